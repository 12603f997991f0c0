import type { Job } from "@/api/types";

/** The percentage a progress value stands for: a number is one by convention, anything else is the handler's own. */
export function percentOf(progress: unknown): number | undefined {
  return typeof progress === "number" && progress >= 0 && progress <= 100 ? progress : undefined;
}

/** How long the latest attempt took, in milliseconds; undefined until it has ended. */
export function runTime(job: Job): number | undefined {
  if (job.processedOn === undefined || job.finishedOn === undefined) return undefined;
  return Math.max(0, job.finishedOn - job.processedOn);
}

export interface TimelineEntry {
  label: string;
  /** In epoch ms; undefined for what has not come yet. */
  time?: number;
  detail?: string;
  tone: "done" | "running" | "failed" | "ahead";
}

/** What happened to the job, in order, and what comes next. */
export function timelineOf(job: Job): TimelineEntry[] {
  const entries: TimelineEntry[] = [{ label: "Created", time: job.timestamp, tone: "done" }];
  if (job.state === "delayed") {
    entries.push({ label: "Due", time: job.timestamp + job.delay, tone: "ahead" });
  }
  if (job.processedOn !== undefined) {
    const running = job.state === "active";
    const attempt = Math.max(1, job.attemptsStarted);
    entries.push({
      label: attempt > 1 ? `Attempt ${attempt} started` : "Started",
      time: job.processedOn,
      detail: job.processedBy ? `by ${job.processedBy}` : undefined,
      tone: running ? "running" : "done",
    });
  }
  if (job.state === "completed") {
    entries.push({ label: "Completed", time: job.finishedOn, tone: "done" });
  } else if (job.state === "failed") {
    entries.push({ label: "Failed for good", time: job.finishedOn, tone: "failed" });
  } else if (job.state !== "active" && job.state !== "delayed") {
    entries.push({ label: nextOf(job), tone: "ahead" });
  }
  return entries;
}

function nextOf(job: Job): string {
  if (job.state === "waiting-children") return "Waits for its children";
  return job.attemptsMade > 0 ? "Waits for its next attempt" : "Waits for a worker";
}
