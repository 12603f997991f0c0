import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";
import type { JobCounts, Queue } from "@/api/types";

const pageSize = 100;

export function queuesQuery(cursor?: string) {
  return queryOptions({
    queryKey: keys.queueList(cursor),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/v1/queues", { params: { query: { cursor, limit: pageSize } }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function queueQuery(queue: string) {
  return queryOptions({
    queryKey: keys.queue(queue),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/v1/queues/{queue}", { params: { path: { queue } }, signal })),
  });
}

/** The names of the queues, for pickers: so many that a longer list would help nobody choose. */
export const queueNamesQuery = queryOptions({
  queryKey: [...keys.queues, "names"],
  queryFn: async ({ signal }) => {
    const page = await unwrap(api.GET("/api/v1/queues", { params: { query: { limit: 200 } }, signal }));
    return page.items.map((queue) => queue.name);
  },
});

/** Pauses or resumes a queue; the page shows it at once and takes it back if the server refuses. */
export function usePauseQueue(queue: string) {
  const queries = useQueryClient();
  const key = keys.queue(queue);
  return useMutation({
    mutationFn: (paused: boolean) => {
      const init = { params: { path: { queue } } };
      return unwrap(
        paused
          ? api.POST("/api/v1/queues/{queue}/pause", init)
          : api.POST("/api/v1/queues/{queue}/resume", init),
      );
    },
    onMutate: (paused) => {
      const before = queries.getQueryData<Queue>(key);
      queries.setQueryData<Queue>(key, (old) => old && { ...old, paused });
      return { before };
    },
    onError: (error, _, context) => {
      if (context?.before) queries.setQueryData(key, context.before);
      toast.error(error.message);
    },
    onSuccess: (now) => {
      queries.setQueryData(key, now);
      toast.success(
        now.paused ? `Paused ${queue}. Running jobs finish; no new ones start.` : `Resumed ${queue}.`,
      );
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: keys.queues });
      void queries.invalidateQueries({ queryKey: keys.stats });
    },
  });
}

export function useCreateQueue() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => unwrap(api.POST("/api/v1/queues", { body: { name } })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: keys.queues });
      void queries.invalidateQueries({ queryKey: keys.stats });
    },
  });
}

/** How many jobs have yet to begin. */
export function backlog(counts: JobCounts): number {
  return counts.waiting + counts.prioritized + counts.delayed + counts["waiting-children"];
}
