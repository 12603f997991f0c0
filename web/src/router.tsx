import { QueryClient } from "@tanstack/react-query";
import { createRouter, parseSearchWith, stringifySearchWith } from "@tanstack/react-router";
import { ApiError } from "./api/error";
import { config } from "./lib/config";
import { appRoutes } from "./routes/app";
import { loginRoute, setupRoute } from "./routes/auth";
import { ErrorPage, NotFoundPage } from "./routes/fallbacks";
import { rootRoute } from "./routes/root";

/** Answers that asking again won't change. */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      retry: (failures, error) => failures < 2 && !isFinal(error),
      refetchOnWindowFocus: true,
    },
  },
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([loginRoute, setupRoute, appRoutes]),
  context: { queries },
  basepath: config.basePath,
  defaultPreload: "intent",
  defaultErrorComponent: ErrorPage,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
  // Every parameter is a text: a queue called "12" must not come back as a number.
  parseSearch: parseSearchWith((value) => value),
  stringifySearch: stringifySearchWith(String),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
