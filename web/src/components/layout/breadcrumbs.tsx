import { Link, type LinkProps, useMatches } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { Fragment } from "react";

interface Crumb {
  label: string;
  link?: Pick<LinkProps, "to" | "params">;
}

const queues: Crumb = { label: "Queues", link: { to: "/queues" } };
const schedules: Crumb = { label: "Schedules", link: { to: "/schedules" } };
const handlers: Crumb = { label: "Handlers", link: { to: "/handlers" } };

/** Where the reader is, from the section down. */
function useCrumbs(): Crumb[] {
  const match = useMatches().at(-1);
  switch (match?.routeId) {
    case "/app/":
      return [{ label: "Dashboard" }];
    case "/app/queues":
      return [queues];
    case "/app/queues/$queue":
      return [queues, { label: match.params.queue }];
    case "/app/queues/$queue/jobs/$jobId": {
      const { queue, jobId } = match.params;
      return [
        queues,
        { label: queue, link: { to: "/queues/$queue", params: { queue } } },
        { label: `Job ${jobId}` },
      ];
    }
    case "/app/jobs/new":
      return [queues, { label: "New job" }];
    case "/app/schedules":
      return [schedules];
    case "/app/schedules/new":
      return [schedules, { label: "New schedule" }];
    case "/app/handlers":
      return [handlers];
    case "/app/handlers/$name":
      return [handlers, { label: match.params.name }];
    case "/app/workers":
      return [{ label: "Workers" }];
    case "/app/api-keys":
      return [{ label: "API keys" }];
    default:
      return [];
  }
}

export function Breadcrumbs() {
  const crumbs = useCrumbs();
  return (
    <nav aria-label="Breadcrumb" className="min-w-0 grow">
      <ol className="flex min-w-0 items-center gap-1.5">
        {crumbs.map((crumb, index) => {
          const last = index === crumbs.length - 1;
          return (
            <Fragment key={crumb.label}>
              {index > 0 && (
                <li aria-hidden="true" className="hidden text-muted-foreground sm:block">
                  <ChevronRight className="size-3.5" />
                </li>
              )}
              <li
                className={
                  last ? "min-w-0 truncate" : "hidden min-w-0 shrink-0 truncate sm:block sm:max-w-48"
                }
              >
                <CrumbText crumb={crumb} last={last} />
              </li>
            </Fragment>
          );
        })}
      </ol>
    </nav>
  );
}

function CrumbText({ crumb, last }: { crumb: Crumb; last: boolean }) {
  if (last || !crumb.link) {
    return (
      <span aria-current="page" className="font-medium">
        {crumb.label}
      </span>
    );
  }
  return (
    <Link {...crumb.link} className="text-muted-foreground hover:text-foreground">
      {crumb.label}
    </Link>
  );
}
