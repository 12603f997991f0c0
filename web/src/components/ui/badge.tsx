import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A short word in a frame: a kind, a flag. */
export function Badge({ className, children }: { className?: string; children: ReactNode }) {
  return (
    <span
      className={cn(
        "inline-flex h-5 items-center gap-1 whitespace-nowrap rounded-sm border bg-secondary px-1.5 font-medium text-secondary-foreground text-xs",
        className,
      )}
    >
      {children}
    </span>
  );
}
