import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon, Plus } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { Button, buttonVariants } from "@/components/ui/button";
import { useCan } from "@/features/auth/queries";
import { cn } from "@/lib/cn";
import { LiveProvider } from "@/live/context";
import { Breadcrumbs } from "./breadcrumbs";
import { ConnectionState } from "./connection-state";
import { Navigation } from "./navigation";
import { UserMenuButton } from "./user-menu-button";

// Popups bring a positioning engine along that no page needs to appear, so they are loaded when asked for.
const loadUserMenu = () => import("./user-menu").then((module) => ({ default: module.UserMenu }));
const UserMenu = lazy(loadUserMenu);
const Sheet = lazy(() => import("@/components/ui/dialog").then((module) => ({ default: module.Sheet })));

/** The frame of the signed-in pages: sections at the left, the place and the connection on top. */
export function AppShell() {
  return (
    <LiveProvider>
      <a
        href="#content"
        className="fixed top-2 left-2 z-50 -translate-y-16 rounded-md bg-primary px-3 py-1.5 text-primary-foreground focus:translate-y-0"
      >
        Skip to content
      </a>
      <div className="flex min-h-dvh">
        <aside className="sticky top-0 hidden h-dvh w-54 shrink-0 border-r bg-sidebar md:block">
          <Navigation />
        </aside>
        <div className="flex min-w-0 grow flex-col">
          <TopBar />
          <main
            id="content"
            tabIndex={-1}
            className="mx-auto w-full max-w-7xl grow px-4 py-5 outline-none sm:px-6 sm:py-6"
          >
            <Outlet />
          </main>
        </div>
      </div>
    </LiveProvider>
  );
}

function TopBar() {
  const [open, setOpen] = useState(false);
  // Once shown it stays, so that it can slide out.
  const [opened, setOpened] = useState(false);
  const show = () => {
    setOpened(true);
    setOpen(true);
  };
  return (
    <header className="sticky top-0 z-30 flex h-13 shrink-0 items-center gap-3 border-b bg-background/90 px-4 backdrop-blur-sm sm:px-6">
      <Button
        variant="ghost"
        size="icon"
        className="-ml-2 md:hidden"
        aria-label="Open the menu"
        onClick={show}
      >
        <MenuIcon aria-hidden="true" />
      </Button>
      {opened && (
        <Suspense>
          <Sheet open={open} onOpenChange={setOpen} title="Menu">
            <Navigation onNavigate={() => setOpen(false)} />
          </Sheet>
        </Suspense>
      )}
      <Breadcrumbs />
      <ConnectionState />
      <NewJobLink />
      <AccountMenu />
      <LoadingLine />
    </header>
  );
}

function AccountMenu() {
  const [wanted, setWanted] = useState(false);
  const button = (
    <UserMenuButton onPointerEnter={() => void loadUserMenu()} onClick={() => setWanted(true)} />
  );
  if (!wanted) return button;
  return (
    <Suspense fallback={button}>
      <UserMenu defaultOpen />
    </Suspense>
  );
}

function NewJobLink() {
  const allowed = useCan("jobs:write");
  if (!allowed) return null;
  return (
    <Link to="/jobs/new" className={cn(buttonVariants({ size: "small" }))} aria-label="New job">
      <Plus aria-hidden="true" /> <span className="max-sm:hidden">New job</span>
    </Link>
  );
}

/** A thin line while the next page is on its way. */
function LoadingLine() {
  const loading = useRouterState({ select: (state) => state.status === "pending" });
  if (!loading) return null;
  return <div aria-hidden="true" className="absolute inset-x-0 -bottom-px h-0.5 animate-pulse bg-primary" />;
}
