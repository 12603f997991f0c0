import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";
import type { Worker } from "@/api/types";

export const workersQuery = queryOptions({
  queryKey: keys.workers,
  queryFn: ({ signal }) => unwrap(api.GET("/api/v1/workers", { signal })),
});

/** Pauses or resumes one worker. It hears of it at once, and says so with its next report. */
export function usePauseWorker(worker: Worker) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (paused: boolean) => {
      const init = { params: { path: { id: worker.id } } };
      return unwrap(
        paused ? api.POST("/api/v1/workers/{id}/pause", init) : api.POST("/api/v1/workers/{id}/resume", init),
      );
    },
    onError: (error) => toast.error(error.message),
    onSuccess: async (now) => {
      queries.setQueryData(
        workersQuery.queryKey,
        (old) => old && { ...old, items: old.items.map((item) => (item.id === now.id ? now : item)) },
      );
      toast.success(
        now.paused
          ? `Paused ${now.name}. Running jobs finish; it takes no new ones.`
          : `Resumed ${now.name}.`,
      );
    },
  });
}
