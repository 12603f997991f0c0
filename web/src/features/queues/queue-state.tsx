import { Pause } from "lucide-react";
import { Badge } from "@/components/ui/badge";

export function PausedBadge() {
  return (
    <Badge className="border-state-delayed/40 bg-state-delayed/10 text-state-delayed">
      <Pause aria-hidden="true" className="size-3" /> Paused
    </Badge>
  );
}
