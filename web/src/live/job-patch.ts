import type { Job } from "@/api/types";
import type { LiveEvent } from "./messages";

/**
 * What an event says about a job it concerns. It is shown until the job is
 * loaded again, so it takes over only what the event states.
 */
export function patchJob(job: Job, event: LiveEvent): Job {
  switch (event.type) {
    case "progress":
      return event.truncated ? job : { ...job, progress: event.progress };
    case "active":
      return {
        ...job,
        state: "active",
        waiting: undefined,
        processedOn: event.ts,
        attemptsStarted: job.attemptsMade + 1,
        finishedOn: undefined,
      };
    case "completed":
      // The result is shown with its state or not at all, and the event may not
      // have all of it: the job stays as it is for the moment that its load takes.
      return job;
    case "failed":
      return {
        ...job,
        state: "failed",
        waiting: undefined,
        attemptsMade: job.attemptsMade + 1,
        finishedOn: event.ts,
        failedReason: event.failedReason,
      };
    case "waiting":
    case "delayed":
    case "waiting-children":
      return { ...job, state: event.type, waiting: undefined };
    default:
      return job;
  }
}
