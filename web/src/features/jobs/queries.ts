import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import { api, unwrap } from "@/api/client";
import { readJobDetail } from "@/api/job-detail";
import { keys } from "@/api/keys";
import type { JobState } from "@/api/types";

export const jobPageSize = 50;

export function jobsQuery(queue: string, state: JobState, cursor?: string, limit = jobPageSize) {
  return queryOptions({
    queryKey: keys.jobList(queue, state, cursor, limit),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/v1/queues/{queue}/jobs", {
          params: { path: { queue }, query: { state, cursor, limit } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

export function jobQuery(queue: string, id: string) {
  return queryOptions({
    queryKey: keys.job(queue, id),
    queryFn: async ({ signal }) => {
      const body = await unwrap(
        api.GET("/api/v1/queues/{queue}/jobs/{id}", {
          params: { path: { queue, id } },
          parseAs: "text",
          signal,
        }),
      );
      return readJobDetail(body);
    },
  });
}

/** What can be done to one job. Each action leaves the lists it changes to be loaded again. */
export function useJobActions(queue: string, id: string) {
  const queries = useQueryClient();
  const init = { params: { path: { queue, id } } };
  const onSuccess = async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: keys.job(queue, id) }),
      queries.invalidateQueries({ queryKey: keys.jobs(queue) }),
      queries.invalidateQueries({ queryKey: keys.queues }),
      queries.invalidateQueries({ queryKey: keys.stats }),
    ]);
  };
  const retry = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/queues/{queue}/jobs/{id}/retry", init)),
    onSuccess: () => {
      toast.success(`Job ${id} is back in line.`);
      return onSuccess();
    },
  });
  const promote = useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/queues/{queue}/jobs/{id}/promote", init)),
    onSuccess: () => {
      toast.success(`Job ${id} no longer waits for its delay.`);
      return onSuccess();
    },
  });
  const remove = useMutation({
    mutationFn: () => unwrap(api.DELETE("/api/v1/queues/{queue}/jobs/{id}", init)),
    onSuccess: () => {
      toast.success(`Deleted job ${id}.`);
      queries.removeQueries({ queryKey: keys.jobLogs(queue, id) });
      void queries.invalidateQueries({ queryKey: keys.jobs(queue) });
      void queries.invalidateQueries({ queryKey: keys.queues });
    },
  });
  return { retry, promote, remove };
}
