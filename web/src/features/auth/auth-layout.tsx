import type { ReactNode } from "react";
import { Logo } from "@/components/layout/logo";

/** The frame of the pages shown before anyone is signed in. */
export function AuthLayout({
  title,
  description,
  children,
}: {
  title: string;
  description: ReactNode;
  children: ReactNode;
}) {
  return (
    <main className="grid min-h-dvh place-items-center bg-sidebar px-4 py-10">
      <title>{`${title} · JobRunner`}</title>
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center justify-center gap-2.5 font-semibold text-lg tracking-tight">
          <Logo className="size-7" /> JobRunner
        </div>
        <section className="rounded-xl border bg-card p-6 shadow-xs">
          <h1 className="font-semibold text-lg tracking-tight">{title}</h1>
          <div className="mt-1 mb-5 text-muted-foreground">{description}</div>
          {children}
        </section>
      </div>
    </main>
  );
}
