import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { session } from "@/api/session";
import { setupQuery } from "@/features/auth/queries";
import { isServerPage } from "@/lib/server-page";
import * as z from "@/lib/zod";
import { rootRoute } from "./root";

/** A place on this site to go on to; anything else is dropped, so that a link can't lead elsewhere. */
const ownPath = z.catch(z.optional(z.string().check(z.regex(/^\/(?![/\\])/))), undefined);

export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  validateSearch: z.object({ next: ownPath }),
  beforeLoad: async ({ context, search }) => {
    if (session.signedIn) {
      throw redirect({ href: search.next ?? "/", reloadDocument: isServerPage(search.next) });
    }
    if ((await context.queries.fetchQuery(setupQuery)).needed) throw redirect({ to: "/setup" });
  },
  component: lazyRouteComponent(() => import("@/features/auth/login-page"), "LoginPage"),
});

export const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/setup",
  beforeLoad: async ({ context }) => {
    if (!(await context.queries.fetchQuery(setupQuery)).needed) throw redirect({ to: "/login" });
  },
  component: lazyRouteComponent(() => import("@/features/auth/setup-page"), "SetupPage"),
});
