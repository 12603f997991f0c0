import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";
import type { components } from "@/api/schema";
import { withRawMember } from "@/features/new-job/submit-job";

export type NewSchedule = components["schemas"]["NewSchedule"];
export type PreviewRequest = components["schemas"]["SchedulePreview"];

const pageSize = 100;

export function schedulesQuery(cursor?: string) {
  return queryOptions({
    queryKey: keys.scheduleList(cursor),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/v1/schedules", { params: { query: { cursor, limit: pageSize } }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The next runs of a schedule that need not exist. */
export function previewQuery(request: PreviewRequest) {
  return queryOptions({
    queryKey: keys.schedulePreview(request),
    queryFn: ({ signal }) => unwrap(api.POST("/api/v1/schedules/preview", { body: request, signal })),
    placeholderData: keepPreviousData,
    retry: false,
  });
}

export function useCreateSchedule() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ queue, schedule, data }: { queue: string; schedule: NewSchedule; data: string }) =>
      unwrap(
        api.POST("/api/v1/queues/{queue}/schedules", {
          params: { path: { queue } },
          body: schedule,
          bodySerializer: ({ template, ...rest }) =>
            withRawMember(rest, "template", withRawMember(template, "data", data)),
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.schedules }),
  });
}

export function useDeleteSchedule() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ queue, id }: { queue: string; id: string }) =>
      unwrap(api.DELETE("/api/v1/queues/{queue}/schedules/{id}", { params: { path: { queue, id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.schedules }),
  });
}
