import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, newIdempotencyKey, unwrap } from "@/api/client";
import { keys } from "@/api/keys";
import type { JobOptions } from "@/api/types";

export interface Submission {
  queue: string;
  name: string;
  /** The data as JSON text; it is sent as it stands, so no number in it changes. */
  data: string;
  opts: JobOptions;
}

export function useSubmitJob() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ queue, name, data, opts }: Submission) =>
      unwrap(
        api.POST("/api/v1/queues/{queue}/jobs", {
          params: { path: { queue }, header: { "Idempotency-Key": newIdempotencyKey() } },
          body: { name, opts },
          bodySerializer: (body) => withRawMember(body, "data", data),
        }),
      ),
    onSuccess: (job) => {
      void queries.invalidateQueries({ queryKey: keys.jobs(job.queue) });
      void queries.invalidateQueries({ queryKey: keys.queues });
    },
  });
}

/** Encodes an object with one more member, whose JSON text is taken as it is. */
export function withRawMember(body: object, name: string, text: string): string {
  const rest = JSON.stringify(body).slice(1);
  const separator = rest === "}" ? "" : ",";
  return `{${JSON.stringify(name)}:${text}${separator}${rest}`;
}
