import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";

export const handlersQuery = queryOptions({
  queryKey: keys.handlers,
  queryFn: ({ signal }) => unwrap(api.GET("/api/v1/handlers", { params: { query: { limit: 200 } }, signal })),
});

export function handlerQuery(name: string) {
  return queryOptions({
    queryKey: keys.handler(name),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/v1/handlers/{name}", { params: { path: { name } }, signal })),
  });
}
