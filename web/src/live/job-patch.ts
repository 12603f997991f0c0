import type { Job } from "@/api/types";
import type { LiveEvent } from "./messages";

/**
 * What an event says about a job it concerns. The result is shown until the
 * job is loaded again, so it takes over only what the event states.
 */
export function patchJob(job: Job, event: LiveEvent): Job {
  switch (event.type) {
    case "progress":
      return event.truncated ? job : { ...job, progress: event.progress };
    case "active":
      return {
        ...job,
        state: "active",
        processedOn: event.ts,
        attemptsStarted: job.attemptsMade + 1,
        finishedOn: undefined,
      };
    case "completed":
      return { ...job, state: "completed", finishedOn: event.ts };
    case "failed":
      return { ...job, state: "failed", finishedOn: event.ts, failedReason: event.failedReason };
    case "waiting":
    case "delayed":
    case "waiting-children":
      return { ...job, state: event.type };
    default:
      return job;
  }
}
