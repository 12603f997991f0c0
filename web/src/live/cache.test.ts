import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JobDetail } from "@/api/job-detail";
import { keys } from "@/api/keys";
import type { Job, JobCounts, Stats } from "@/api/types";
import { LiveCache } from "./cache";
import { parseMessage } from "./messages";
import { sumCounts } from "./stats-patch";

const noJobs: JobCounts = sumCounts([]);

const job: Job = {
  id: "42",
  queue: "mail",
  name: "send",
  state: "waiting",
  data: {},
  opts: {},
  stacktrace: [],
  attemptsMade: 0,
  attemptsStarted: 0,
  stalledCounter: 0,
  delay: 0,
  priority: 0,
  timestamp: 1,
};

let queries: QueryClient;
let cache: LiveCache;

function receive(message: object) {
  const parsed = parseMessage(JSON.stringify(message));
  if (!parsed) throw new Error("not understood");
  cache.receive(parsed);
}

const shownJob = () => queries.getQueryData<JobDetail>(keys.job("mail", "42"))?.job;

beforeEach(() => {
  vi.useFakeTimers();
  queries = new QueryClient();
  cache = new LiveCache(queries);
  queries.setQueryData<JobDetail>(keys.job("mail", "42"), { job, exact: { data: "{}", opts: "{}" } });
});

afterEach(() => {
  cache.stop();
  queries.clear();
  vi.useRealTimers();
});

describe("live messages", () => {
  it("change the job that is shown at once", () => {
    receive({ type: "active", queue: "mail", jobId: "42", ts: 10, seq: 1, prev: "waiting" });
    expect(shownJob()).toMatchObject({ state: "active", processedOn: 10, attemptsStarted: 1 });

    receive({ type: "progress", queue: "mail", jobId: "42", ts: 11, seq: 2, progress: 40 });
    expect(shownJob()?.progress).toBe(40);

    receive({ type: "failed", queue: "mail", jobId: "42", ts: 12, seq: 3, failedReason: "no route" });
    expect(shownJob()).toMatchObject({ state: "failed", finishedOn: 12, failedReason: "no route" });
  });

  it("shows a completed job as such only with its result", () => {
    const before = shownJob();
    receive({ type: "completed", queue: "mail", jobId: "42", ts: 13, seq: 4 });
    expect(shownJob()).toEqual(before);
  });

  it("leave other jobs alone", () => {
    receive({ type: "completed", queue: "mail", jobId: "43", ts: 10, seq: 1 });
    receive({ type: "completed", queue: "images", jobId: "42", ts: 10, seq: 2 });
    expect(shownJob()).toEqual(job);
  });

  it("have lists loaded again once a second, however many come", () => {
    const invalidate = vi.spyOn(queries, "invalidateQueries");
    const lists = () => invalidate.mock.calls.filter(([filters]) => filters?.queryKey?.[0] === "jobs").length;

    for (let seq = 1; seq <= 500; seq += 1) {
      receive({ type: "completed", queue: "mail", jobId: String(seq), ts: seq, seq });
    }
    expect(lists()).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(lists()).toBe(1);
    receive({ type: "completed", queue: "mail", jobId: "x", ts: 1, seq: 501 });
    vi.advanceTimersByTime(1000);
    expect(lists()).toBe(2);
  });

  it("bring new counts into the totals, and queues that were not known", () => {
    const stats: Stats = {
      queues: 2,
      pausedQueues: 0,
      workers: 3,
      jobs: { ...noJobs, waiting: 5, failed: 1 },
      perQueue: [
        { name: "images", paused: false, workers: 1, counts: { ...noJobs, failed: 1 } },
        { name: "mail", paused: false, workers: 2, counts: { ...noJobs, waiting: 5 } },
      ],
    };
    queries.setQueryData<Stats>(keys.stats, stats);

    receive({
      type: "stats",
      ts: 1,
      queues: [
        { name: "mail", paused: true, counts: { ...noJobs, waiting: 2, active: 3 } },
        { name: "calls", paused: false, counts: { ...noJobs, delayed: 4 } },
      ],
    });

    expect(queries.getQueryData<Stats>(keys.stats)).toMatchObject({
      queues: 3,
      pausedQueues: 1,
      jobs: { waiting: 2, active: 3, delayed: 4, failed: 1 },
      perQueue: [{ name: "calls" }, { name: "images" }, { name: "mail", workers: 2, paused: true }],
    });
  });

  it("have everything loaded again after a gap", () => {
    const invalidate = vi.spyOn(queries, "invalidateQueries");
    receive({ type: "resync", seq: 9 });
    expect(invalidate).toHaveBeenCalledWith();
  });

  it.each(["", "{", "[]", '{"type":"news"}', '{"type":"completed"}'])(
    "that read %j are passed over",
    (text) => {
      expect(parseMessage(text)).toBeUndefined();
    },
  );
});
