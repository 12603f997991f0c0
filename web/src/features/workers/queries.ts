import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";

export const workersQuery = queryOptions({
  queryKey: keys.workers,
  queryFn: ({ signal }) => unwrap(api.GET("/api/v1/workers", { signal })),
});
