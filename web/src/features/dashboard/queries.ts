import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";

export const statsQuery = queryOptions({
  queryKey: keys.stats,
  queryFn: ({ signal }) => unwrap(api.GET("/api/v1/stats", { signal })),
});
