import type { JobState } from "./types";

/** The names under which answers are cached; live messages find them by the same names. */
export const keys = {
  me: ["me"],
  setup: ["setup"],
  stats: ["stats"],
  system: ["system"],
  workers: ["workers"],
  handlers: ["handlers"],
  handler: (name: string) => ["handlers", name],
  queues: ["queues"],
  queueList: (cursor?: string) => ["queues", "list", cursor ?? ""],
  queue: (queue: string) => ["queues", "one", queue],
  jobs: (queue: string) => ["jobs", queue],
  jobList: (queue: string, state: JobState, cursor?: string, limit?: number) => [
    "jobs",
    queue,
    state,
    cursor ?? "",
    limit ?? 0,
  ],
  job: (queue: string, id: string) => ["job", queue, id],
  jobLogs: (queue: string, id: string) => ["job-logs", queue, id],
  schedules: ["schedules"],
  scheduleList: (cursor?: string) => ["schedules", cursor ?? ""],
  schedulePreview: (request: unknown) => ["schedule-preview", request],
  apiKeys: ["api-keys"],
} as const;
