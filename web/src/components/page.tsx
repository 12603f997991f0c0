import type { ReactNode } from "react";

/** The head and the body of a page; its title also names the browser's tab. */
export function Page({
  title,
  heading,
  description,
  actions,
  children,
}: {
  title: string;
  /** Shown in place of the title, where it needs more than text. */
  heading?: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="flex flex-col gap-5">
      <title>{`${title} · JobRunner`}</title>
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="break-words font-semibold text-xl tracking-tight">{heading ?? title}</h1>
          {description && <div className="mt-1 text-muted-foreground">{description}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
