import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

/** What a list shows when it is empty: what would be here, and how to get it. */
export function EmptyState({
  icon: Icon,
  title,
  page = false,
  children,
  action,
}: {
  icon: LucideIcon;
  title: string;
  /** It stands for the whole page, and so names it. */
  page?: boolean;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-10 text-center">
      <Icon aria-hidden="true" className="mb-2 size-6 text-muted-foreground" strokeWidth={1.5} />
      {page && <title>{`${title} · JobRunner`}</title>}
      {page ? <h1 className="font-medium">{title}</h1> : <p className="font-medium">{title}</p>}
      {children && <div className="max-w-prose text-balance text-muted-foreground">{children}</div>}
      {action && <div className="mt-3">{action}</div>}
    </div>
  );
}
