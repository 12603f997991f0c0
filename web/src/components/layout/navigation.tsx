import { Link, type LinkProps } from "@tanstack/react-router";
import {
  BookOpenText,
  Boxes,
  CalendarClock,
  Cpu,
  ExternalLink,
  KeyRound,
  LayoutDashboard,
  ListTree,
  type LucideIcon,
  PanelsTopLeft,
} from "lucide-react";
import { type Scope, useCan } from "@/features/auth/queries";
import { config } from "@/lib/config";
import { Logo } from "./logo";

interface Section {
  label: string;
  to: LinkProps["to"];
  icon: LucideIcon;
  scope: Scope;
  exact?: boolean;
}

const sections: readonly Section[] = [
  { label: "Dashboard", to: "/", icon: LayoutDashboard, scope: "queues:read", exact: true },
  { label: "Queues", to: "/queues", icon: ListTree, scope: "queues:read" },
  { label: "Schedules", to: "/schedules", icon: CalendarClock, scope: "schedules:read" },
  { label: "Handlers", to: "/handlers", icon: Boxes, scope: "system:read" },
  { label: "Workers", to: "/workers", icon: Cpu, scope: "system:read" },
  { label: "API keys", to: "/api-keys", icon: KeyRound, scope: "api-keys:admin" },
];

const row =
  "flex h-8 items-center gap-2.5 rounded-md px-2.5 text-muted-foreground transition-colors hover:bg-accent hover:text-accent-foreground [&_svg]:size-4 [&_svg]:shrink-0";

/** The sections of the client and the ways out of it. */
export function Navigation({ onNavigate }: { onNavigate?: () => void }) {
  return (
    <div className="flex h-full flex-col">
      <Link
        to="/"
        onClick={onNavigate}
        className="flex h-13 shrink-0 items-center gap-2.5 px-4.5 font-semibold text-[0.9375rem] tracking-tight"
      >
        <Logo className="size-6" /> JobRunner
      </Link>
      <nav aria-label="Main" className="flex grow flex-col gap-0.5 overflow-y-auto px-2 py-2">
        {sections.map((section) => (
          <SectionLink key={section.label} section={section} onNavigate={onNavigate} />
        ))}
        <div className="mt-auto flex flex-col gap-0.5 border-t pt-2">
          <a href={`${config.basePath}admin/queues`} className={row}>
            <PanelsTopLeft aria-hidden="true" />
            <span className="grow">Bull Board</span>
            <ExternalLink aria-hidden="true" className="opacity-60" />
          </a>
          <a href={`${config.basePath}docs`} className={row}>
            <BookOpenText aria-hidden="true" />
            <span className="grow">API reference</span>
            <ExternalLink aria-hidden="true" className="opacity-60" />
          </a>
        </div>
      </nav>
    </div>
  );
}

function SectionLink({ section, onNavigate }: { section: Section; onNavigate: (() => void) | undefined }) {
  const allowed = useCan(section.scope);
  if (!allowed) return null;
  const Icon = section.icon;
  return (
    <Link
      to={section.to}
      activeOptions={{ exact: section.exact ?? false, includeSearch: false }}
      onClick={onNavigate}
      className={row}
      activeProps={{ className: "bg-accent font-medium text-foreground!", "aria-current": "page" }}
    >
      <Icon aria-hidden="true" />
      {section.label}
    </Link>
  );
}
