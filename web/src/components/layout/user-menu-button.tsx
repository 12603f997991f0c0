import { CircleUserRound } from "lucide-react";
import type { ComponentProps } from "react";
import { Button } from "@/components/ui/button";

/** What opens the account menu; it is there before the menu's code is. */
export function UserMenuButton(props: ComponentProps<typeof Button>) {
  return (
    <Button {...props} variant="ghost" size="icon" aria-label="Account and theme" aria-haspopup="menu">
      <CircleUserRound aria-hidden="true" />
    </Button>
  );
}
