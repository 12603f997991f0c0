import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A titled block of a page. Its heading names the section to screen readers. */
export function Card({
  title,
  actions,
  className,
  bodyClassName,
  children,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  className?: string;
  bodyClassName?: string;
  children: ReactNode;
}) {
  return (
    <section className={cn("min-w-0 rounded-lg border bg-card text-card-foreground", className)}>
      {title && (
        <header className="flex min-h-11 items-center justify-between gap-3 border-b px-4 py-1.5">
          <h2 className="truncate font-semibold">{title}</h2>
          {actions && <div className="flex items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={cn("p-4", bodyClassName)}>{children}</div>
    </section>
  );
}

/** Names and values, side by side where there is room. */
export function Facts({ className, ...props }: ComponentProps<"dl">) {
  return <dl {...props} className={cn("grid grid-cols-[auto_1fr] gap-x-6 gap-y-2", className)} />;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="min-w-0 break-words tabular-nums">{children}</dd>
    </>
  );
}
