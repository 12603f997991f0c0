import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { session } from "@/api/session";
import { jobStates } from "@/api/types";
import { AppShell } from "@/components/layout/app-shell";
import * as z from "@/lib/zod";
import { NotFoundPage } from "./fallbacks";
import { rootRoute } from "./root";

/** Everything that needs someone to be signed in. */
export const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "app",
  beforeLoad: async ({ location }) => {
    if (await session.ensure()) return;
    throw redirect({ to: "/login", search: { next: location.href === "/" ? undefined : location.href } });
  },
  component: AppShell,
});

const cursor = z.catch(z.optional(z.string()), undefined);
const prefill = z.catch(z.optional(z.string()), undefined);

const dashboardRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/dashboard/dashboard-page"), "DashboardPage"),
});

const queuesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/queues",
  validateSearch: z.object({ cursor }),
  component: lazyRouteComponent(() => import("@/features/queues/queues-page"), "QueuesPage"),
});

const queueRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/queues/$queue",
  validateSearch: z.object({ state: z.catch(z.optional(z.enum(jobStates)), undefined), cursor }),
  component: lazyRouteComponent(() => import("@/features/queues/queue-page"), "QueuePage"),
});

const jobRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/queues/$queue/jobs/$jobId",
  component: lazyRouteComponent(() => import("@/features/jobs/job-page"), "JobPage"),
});

const newJobRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/jobs/new",
  validateSearch: z.object({ queue: prefill, handler: prefill }),
  component: lazyRouteComponent(() => import("@/features/new-job/new-job-page"), "NewJobPage"),
});

const schedulesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/schedules",
  validateSearch: z.object({ cursor }),
  component: lazyRouteComponent(() => import("@/features/schedules/schedules-page"), "SchedulesPage"),
});

const newScheduleRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/schedules/new",
  validateSearch: z.object({ queue: prefill, handler: prefill }),
  component: lazyRouteComponent(() => import("@/features/schedules/new-schedule-page"), "NewSchedulePage"),
});

const handlersRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/handlers",
  component: lazyRouteComponent(() => import("@/features/handlers/handlers-page"), "HandlersPage"),
});

const handlerRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/handlers/$name",
  component: lazyRouteComponent(() => import("@/features/handlers/handler-page"), "HandlerPage"),
});

const workersRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/workers",
  component: lazyRouteComponent(() => import("@/features/workers/workers-page"), "WorkersPage"),
});

const apiKeysRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/api-keys",
  component: lazyRouteComponent(() => import("@/features/api-keys/api-keys-page"), "ApiKeysPage"),
});

const unknownRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "$",
  component: NotFoundPage,
});

export const appRoutes = appRoute.addChildren([
  dashboardRoute,
  queuesRoute,
  queueRoute,
  jobRoute,
  newJobRoute,
  schedulesRoute,
  newScheduleRoute,
  handlersRoute,
  handlerRoute,
  workersRoute,
  apiKeysRoute,
  unknownRoute,
]);
