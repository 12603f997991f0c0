import { type JobCounts, jobStates, type Queue, type Stats } from "@/api/types";
import type { LiveStats } from "./messages";

/** The totals after the counts of some queues have changed. */
export function patchStats(stats: Stats, message: LiveStats): Stats {
  const changed = new Map(message.queues.map((queue) => [queue.name, queue]));
  const known = stats.perQueue.map((queue) => {
    const now = changed.get(queue.name);
    changed.delete(queue.name);
    return now ? { ...queue, paused: now.paused, counts: now.counts } : queue;
  });
  const added = [...changed.values()].map((queue) => ({ ...queue, workers: 0 }));
  const perQueue =
    added.length === 0 ? known : [...known, ...added].sort((a, b) => compareText(a.name, b.name));
  return {
    ...stats,
    perQueue,
    queues: perQueue.length,
    pausedQueues: perQueue.filter((queue) => queue.paused).length,
    jobs: sumCounts(perQueue.map((queue) => queue.counts)),
  };
}

/** The queue with its newest counts, or the same object if the message says nothing of it. */
export function patchQueue(queue: Queue, message: LiveStats): Queue {
  const now = message.queues.find((candidate) => candidate.name === queue.name);
  return now ? { ...queue, paused: now.paused, counts: now.counts } : queue;
}

export function sumCounts(list: readonly JobCounts[]): JobCounts {
  const total: JobCounts = {
    waiting: 0,
    active: 0,
    delayed: 0,
    prioritized: 0,
    "waiting-children": 0,
    completed: 0,
    failed: 0,
  };
  for (const counts of list) {
    for (const state of jobStates) total[state] += counts[state];
  }
  return total;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
