import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** A table that scrolls sideways inside its own box when it doesn't fit. */
export function Table({ className, ...props }: ComponentProps<"table">) {
  return (
    <div className="@container relative w-full overflow-x-auto">
      <table {...props} className={cn("w-full border-collapse text-left", className)} />
    </div>
  );
}

export function TableHead({ className, ...props }: ComponentProps<"th">) {
  return (
    <th
      scope="col"
      {...props}
      className={cn(
        "h-9 whitespace-nowrap border-b px-4 last:pr-4 font-medium text-[0.8125rem] text-muted-foreground",
        className,
      )}
    />
  );
}

export function TableRow({ className, ...props }: ComponentProps<"tr">) {
  return (
    <tr
      {...props}
      className={cn("relative border-b transition-colors last:border-b-0 hover:bg-muted/60", className)}
    />
  );
}

export function TableCell({ className, ...props }: ComponentProps<"td">) {
  return <td {...props} className={cn("h-10 px-4 py-1.5 align-middle last:pr-4", className)} />;
}
