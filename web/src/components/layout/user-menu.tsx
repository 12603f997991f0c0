import { useQuery } from "@tanstack/react-query";
import { LogOut, Monitor, Moon, Sun } from "lucide-react";
import { api } from "@/api/client";
import { session } from "@/api/session";
import { Menu, MenuChoice, MenuItem, MenuSeparator } from "@/components/ui/menu";
import { meQuery } from "@/features/auth/queries";
import { setTheme, type Theme, useTheme } from "@/lib/theme";
import { UserMenuButton } from "./user-menu-button";

const themeOptions: ReadonlyArray<{ value: Theme; label: string; icon: React.ReactNode }> = [
  { value: "light", label: "Light", icon: <Sun aria-hidden="true" /> },
  { value: "dark", label: "Dark", icon: <Moon aria-hidden="true" /> },
  { value: "system", label: "As the system", icon: <Monitor aria-hidden="true" /> },
];

/** Who is signed in, the theme, and the way out. */
export function UserMenu({ defaultOpen = false }: { defaultOpen?: boolean }) {
  const { data: me } = useQuery(meQuery);
  const { theme } = useTheme();

  const signOut = async () => {
    try {
      await api.POST("/api/v1/auth/logout");
    } finally {
      // The reader wants out, whatever the server says.
      session.end();
    }
  };

  return (
    <Menu defaultOpen={defaultOpen} trigger={<UserMenuButton />}>
      {me && (
        <>
          <div className="px-2 py-1.5">
            <p className="truncate font-medium">{me.name}</p>
            <p className="truncate text-muted-foreground text-xs">
              {[me.email !== me.name && me.email, me.role].filter(Boolean).join(" · ")}
            </p>
          </div>
          <MenuSeparator />
        </>
      )}
      <MenuChoice label="Theme" value={theme} options={themeOptions} onChange={setTheme} />
      <MenuSeparator />
      <MenuItem onClick={() => void signOut()}>
        <LogOut aria-hidden="true" /> Sign out
      </MenuItem>
    </Menu>
  );
}
