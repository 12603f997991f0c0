import { hashKey, type QueryClient, type QueryKey } from "@tanstack/react-query";
import type { JobDetail } from "@/api/job-detail";
import { keys } from "@/api/keys";
import type { Queue, Stats } from "@/api/types";
import { patchJob } from "./job-patch";
import { isEvent, type LiveEvent, type LiveMessage, type LiveStats } from "./messages";
import { patchQueue, patchStats } from "./stats-patch";

/** A list is loaded again at most this often, however many events concern it. */
const listInterval = 1000;
/** A job that changed is loaded again after this long, so that events that come together cost one load. */
const jobInterval = 150;

/** Events after which a job must be loaded again: they change more than they say. */
const changesJob: ReadonlySet<LiveEvent["type"]> = new Set([
  "waiting",
  "delayed",
  "waiting-children",
  "active",
  "completed",
  "failed",
  "stalled",
  "removed",
]);

/** Brings live messages into the cache of server answers. */
export class LiveCache {
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly queries: QueryClient) {}

  receive(message: LiveMessage): void {
    if (isEvent(message)) {
      this.event(message);
    } else if (message.type === "stats") {
      this.stats(message);
    } else if (message.type === "resync") {
      void this.queries.invalidateQueries();
    } else if (message.type === "subscribed") {
      this.subscribed(message.topics);
    }
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private event(event: LiveEvent): void {
    if (event.jobId === "") {
      this.refresh(keys.queues, listInterval);
      this.refresh(keys.jobs(event.queue), listInterval);
      return;
    }
    const key = keys.job(event.queue, event.jobId);
    this.queries.setQueryData<JobDetail>(
      key,
      (detail) => detail && { ...detail, job: patchJob(detail.job, event) },
    );
    if (changesJob.has(event.type)) this.refresh(key, jobInterval);
    if (event.type !== "progress") this.refresh(keys.jobs(event.queue), listInterval);
  }

  private stats(message: LiveStats): void {
    this.queries.setQueryData<Stats>(keys.stats, (stats) => stats && patchStats(stats, message));
    this.queries.setQueriesData<{ items: Queue[] }>(
      { queryKey: keys.queueList().slice(0, 2) },
      (list) => list && { ...list, items: list.items.map((queue) => patchQueue(queue, message)) },
    );
    for (const { name } of message.queues) {
      this.queries.setQueryData<Queue>(keys.queue(name), (queue) => queue && patchQueue(queue, message));
    }
  }

  /** Loads again what may have changed between its loading and the subscription. */
  private subscribed(topics: readonly string[]): void {
    for (const topic of topics) {
      const [, queue, job] = /^job:([^/]+)\/(.+)$/.exec(topic) ?? [];
      if (queue === undefined || job === undefined) continue;
      this.refresh(keys.job(decodeURIComponent(queue), decodeURIComponent(job)), 0);
    }
  }

  /** Loads what is shown under the key again after a while; calls until then count as one. */
  private refresh(key: QueryKey, after: number): void {
    const name = hashKey(key);
    if (this.timers.has(name)) return;
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        void this.queries.invalidateQueries({ queryKey: key });
      }, after),
    );
  }
}
