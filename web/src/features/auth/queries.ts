import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";

/** Who is signed in, and what they may do. */
export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => unwrap(api.GET("/api/v1/auth/me", { signal })),
  staleTime: 5 * 60_000,
});

/** Whether the first user still has to be made. */
export const setupQuery = queryOptions({
  queryKey: keys.setup,
  queryFn: ({ signal }) => unwrap(api.GET("/api/v1/auth/setup", { signal })),
  staleTime: 0,
});

export type Scope =
  | "jobs:read"
  | "jobs:write"
  | "queues:read"
  | "queues:admin"
  | "schedules:read"
  | "schedules:write"
  | "system:read"
  | "api-keys:admin";

/** Whether the reader may do what the scope names. Until that is known: no. */
export function useCan(scope: Scope): boolean {
  const { data } = useQuery(meQuery);
  return data?.scopes.includes(scope) ?? false;
}
