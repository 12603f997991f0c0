import type {
  DependenciesOpts,
  FinishedStatus,
  IQueueBackend,
  JobJson,
  JobProgress,
  JobState,
  JobsOptions,
  JobType,
  KeepJobs,
  MinimalJob,
  MoveToDelayedOpts,
  MoveToWaitingChildrenOpts,
  ParentKeyOpts,
  RepeatableOptions,
  RetryJobOpts,
  RetryOptions,
  StreamReadRaw,
} from "bullmq";
import { Channel } from "./channel.ts";
import { childrenPages, type Dependencies } from "./children.ts";
import {
  decodeJob,
  decodeNextJob,
  encodeJob,
  encodeOptions,
  type Fetched,
  type NextJob,
  parseValues,
} from "./codec.ts";
import { BridgeError, commandError } from "./errors.ts";
import { Session, type SessionOptions } from "./session.ts";

interface Added {
  id?: string;
  error?: { code: number; message: string };
}

interface Page {
  total: number;
  keys: string[];
  values?: string[];
  jobs: Record<string, string>[];
}

/** BullMQ's datastore, kept by the Go engine on the other end of the bridge. */
export class BridgeBackend extends Session implements IQueueBackend {
  /** Connects to the bridge that listens on a Unix socket. */
  static connect(socket: string, name: string, opts: SessionOptions, worker: boolean): BridgeBackend {
    return new BridgeBackend(new Channel(socket), name, opts, undefined, worker);
  }

  forQueue(queueName: string, prefix?: string): BridgeBackend {
    const opts = prefix === undefined ? this.opts : { ...this.opts, prefix };
    return new BridgeBackend(this.channel, queueName, opts, this.sibling());
  }

  // Adding jobs.

  async addJob(job: JobJson, jobId: string, parentKeyOpts: ParentKeyOpts = {}): Promise<string> {
    const [id = ""] = await this.addJobs([{ job, jobId, parentKeyOpts }]);
    return id;
  }

  async addJobs(
    entries: { job: JobJson; jobId: string; parentKeyOpts?: ParentKeyOpts }[],
  ): Promise<string[]> {
    const jobs = entries.map((e) => encodeJob(e.job, e.jobId, e.parentKeyOpts));
    const results = await this.call<Added[]>("addJobs", { jobs });
    return results.map(({ id, error }, i) => {
      if (error) {
        const parentKey = entries[i]?.parentKeyOpts?.parentKey;
        throw commandError(new BridgeError(error.message, error.code), { name: "addJob", parentKey });
      }
      return id ?? "";
    });
  }

  async addFlow(
    entries: {
      jobData: JobJson;
      jobId: string;
      parentKeyOpts: ParentKeyOpts;
      prefix: string;
      queueName: string;
    }[],
  ): Promise<[Error | null, string | number][]> {
    const nodes = entries.map((e) => ({
      ...encodeJob(e.jobData, e.jobId, e.parentKeyOpts),
      queue: `${e.prefix}:${e.queueName}`,
    }));
    const parentKey = entries[0]?.parentKeyOpts.parentKey;
    await this.call("addFlow", { nodes }, { name: "addJob", parentKey });
    return entries.map((e) => [null, e.jobId]);
  }

  // The life of a job in a worker.

  async moveToActive(token: string, name?: string): Promise<NextJob> {
    return decodeNextJob(
      await this.call("moveToActive", { ...this.fetchTerms(token, true), workerName: name }),
    );
  }

  async moveToCompleted<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    returnValue: R,
    removeOnComplete: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
  ): Promise<{ result: NextJob; finishedOn: number }> {
    const outcome = {
      returnValue: JSON.stringify(returnValue) ?? "null",
      keep: removeOnComplete ?? this.opts.removeOnComplete,
    };
    return this.finish("moveToCompleted", job, token, fetchNext, outcome);
  }

  async moveToFailed<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    failedReason: string,
    removeOnFail: boolean | number | KeepJobs,
    token: string,
    fetchNext: boolean,
    fieldsToUpdate: Record<string, unknown> = {},
  ): Promise<{ result: NextJob; finishedOn: number }> {
    const outcome = {
      ...failure(fieldsToUpdate),
      failedReason,
      keep: removeOnFail ?? this.opts.removeOnFail,
    };
    return this.finish("moveToFailed", job, token, fetchNext, outcome);
  }

  private async finish<T, R, N extends string>(
    method: string,
    job: MinimalJob<T, R, N>,
    token: string,
    fetchNext: boolean,
    outcome: object,
  ): Promise<{ result: NextJob; finishedOn: number }> {
    const finishedOn = Date.now();
    const result = await this.reportAttempt(
      method,
      { ...outcome, jobId: job.id, attempts: job.opts.attempts ?? 0 },
      token,
      fetchNext,
      "moveToFinished",
      finishedOn,
    );
    return { result, finishedOn };
  }

  async moveToDelayed(
    jobId: string,
    _timestamp: number,
    delay: number,
    token = "0",
    opts: MoveToDelayedOpts = {},
  ): Promise<NextJob> {
    const outcome = { jobId, delay, ...failure(opts.fieldsToUpdate) };
    return this.reportAttempt("moveToDelayed", outcome, token, opts.fetchNext ?? false);
  }

  async moveToWaitingChildren(
    jobId: string,
    token: string,
    { child }: MoveToWaitingChildrenOpts = {},
  ): Promise<boolean> {
    const params = { jobId, token, child: child ? `${child.queue}:${child.id}` : "" };
    return this.call("moveToWaitingChildren", params, { state: "active" });
  }

  async moveJobFromActiveToWait(jobId: string, token = "0"): Promise<number> {
    return this.call("moveJobFromActiveToWait", { jobId, token }, { state: "active" });
  }

  async retryJob(jobId: string, lifo: boolean, token = "0", opts: RetryJobOpts = {}): Promise<void> {
    const params = { jobId, token, lifo, ...failure(opts.fieldsToUpdate) };
    await this.call("retryJob", params, { state: "active" });
  }

  /** Reports how an attempt ended and takes the next job, if it is wanted and still may be. */
  private async reportAttempt(
    method: string,
    outcome: { jobId?: string; [field: string]: unknown },
    token: string,
    fetchNext: boolean,
    command = method,
    now = Date.now(),
  ): Promise<NextJob> {
    const fetch = fetchNext && !this.closing;
    const params = { ...outcome, ...this.fetchTerms(token, fetch), workerName: this.opts.name };
    const fetched = await this.call<Fetched>(
      method,
      params,
      { name: command, jobId: outcome.jobId, state: "active" },
      now,
    );
    return fetch ? decodeNextJob(fetched) : [];
  }

  private fetchTerms(token: string, fetch: boolean): object {
    const { lockDuration, limiter, metrics } = this.opts;
    return { fetch, token, lockDuration, limiter, metricsPoints: metrics?.maxDataPoints };
  }

  async extendLock(jobId: string, token: string, duration: number): Promise<number> {
    const lost = await this.extendLocks([jobId], [token], duration);
    return lost.length === 0 ? 1 : 0;
  }

  async extendLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    return this.call("extendLocks", { jobIds, tokens, duration });
  }

  async moveStalledJobsToWait(): Promise<string[]> {
    const { maxStalledCount, stalledInterval } = this.opts;
    return this.call("moveStalledJobsToWait", { maxStalledCount, interval: stalledInterval });
  }

  async waitForJob(blockTimeout: number): Promise<{ member: string; score: number } | null> {
    const params = { timeout: blockTimeout * 1000 };
    const due = await this.channel.wait<number | undefined>(this.qualifiedName, "waitForJob", params);
    return due === undefined ? null : { member: "1", score: due };
  }

  // One job.

  async retryFinishedJob<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    state: FinishedStatus,
    opts: RetryOptions = {},
  ): Promise<void> {
    await this.call("retryFinishedJob", { ...opts, jobId: job.id, state }, { name: "reprocessJob" });
  }

  async promote(jobId: string): Promise<void> {
    await this.call("promote", { jobId }, { state: "delayed" });
  }

  async updateData<T, R, N extends string>(job: MinimalJob<T, R, N>, data: T): Promise<void> {
    await this.call("updateData", { jobId: job.id, data: JSON.stringify(data) });
  }

  async updateProgress(jobId: string, progress: JobProgress): Promise<void> {
    await this.call("updateProgress", { jobId, progress: JSON.stringify(progress) });
  }

  async addLog(jobId: string, line: string, keepLogs?: number): Promise<number> {
    return this.call("addLog", { jobId, line, keep: keepLogs });
  }

  async clearLogs(jobId: string, keepLogs?: number): Promise<void> {
    await this.call("clearLogs", { jobId, keep: keepLogs });
  }

  async changeDelay(jobId: string, delay: number): Promise<void> {
    await this.call("changeDelay", { jobId, delay }, { state: "delayed" });
  }

  async changePriority(jobId: string, priority = 0, lifo = false): Promise<void> {
    await this.call("changePriority", { jobId, priority, lifo });
  }

  async remove(jobId: string, removeChildren: boolean): Promise<number> {
    const free = await this.call<boolean>(
      "remove",
      { jobId, children: removeChildren },
      { name: "removeJob" },
    );
    return free ? 1 : 0;
  }

  async removeUnprocessedChildren(jobId: string): Promise<void> {
    await this.call("removeUnprocessedChildren", { jobId });
  }

  async removeChildDependency(jobId: string, parentKey: string): Promise<boolean> {
    return this.call("removeChildDependency", { jobId, parentKey });
  }

  async removeDeduplicationKey(id: string, jobId: string): Promise<number> {
    return this.call("removeDeduplicationKey", { id, jobId });
  }

  async deleteDeduplicationKey(id: string): Promise<number> {
    return this.call("removeDeduplicationKey", { id });
  }

  async getDeduplicationJobId(id: string): Promise<string | null> {
    return (await this.call("getDeduplicationJobId", { id })) ?? null;
  }

  async getState(jobId: string): Promise<JobState | "unknown"> {
    return this.call("getState", { jobId });
  }

  async isFinished(jobId: string, returnValue = false): Promise<number | [number, string]> {
    const { state, value } = await this.call<{ state: string; value?: string }>("isFinished", { jobId });
    const status = { unknown: -1, completed: 1, failed: 2 }[state] ?? 0;
    if (!returnValue) {
      return status;
    }
    return [status, status < 0 ? `Missing key for job ${this.toKey(jobId)}. isFinished` : (value as string)];
  }

  async isJobInState(state: string, jobId: string): Promise<boolean> {
    return this.call("isJobInState", { state, jobId });
  }

  async getJobData(jobId: string): Promise<JobJson | undefined> {
    const hash = await this.call<Record<string, string>>("getJobData", { jobId });
    return Object.keys(hash).length > 0 ? decodeJob(hash) : undefined;
  }

  async getJobLogs(
    jobId: string,
    start: number,
    end: number,
    asc: boolean,
  ): Promise<{ logs: string[]; count: number }> {
    const range = asc ? { start, end } : { start: -(end + 1), end: -(start + 1) };
    const found = await this.call<{ logs: string[]; count: number }>("getJobLogs", { jobId, ...range });
    if (!asc) {
      found.logs.reverse();
    }
    return found;
  }

  // A parent's children.

  async getDependencyCounts(jobId: string, types: string[]): Promise<number[]> {
    return this.call("getDependencyCounts", { jobId, types });
  }

  async getDependencies(jobId: string, opts: DependenciesOpts = {}): Promise<Dependencies> {
    if (opts.processed || opts.unprocessed || opts.ignored || opts.failed) {
      return childrenPages(opts, (params) => this.call("scanChildren", { jobId, ...params }));
    }
    const all = await this.call<{
      processed: Record<string, string>;
      unprocessed: string[];
      ignored: Record<string, string>;
      failed: string[];
    }>("getDependencies", { jobId });
    return { ...all, processed: parseValues(all.processed) };
  }

  async getProcessedChildrenValues(jobId: string): Promise<Record<string, string>> {
    return this.call("getProcessedChildrenValues", { jobId });
  }

  async getIgnoredChildrenFailures(jobId: string): Promise<Record<string, string>> {
    return this.call("getIgnoredChildrenFailures", { jobId });
  }

  async paginate(
    key: string,
    opts: { start: number; end: number; fetchJobs?: boolean },
  ): Promise<{
    cursor: string;
    items: { id: string; v?: unknown; err?: string }[];
    total: number;
    jobs?: JobJson[];
  }> {
    const { keys, values, total, jobs } = await this.call<Page>("paginate", { key, ...opts });
    const items = keys.map((id, i) => (values ? { id, ...parsed(values[i] ?? "") } : { id }));
    return { cursor: "0", items, total, jobs: jobs.map(decodeJob) };
  }

  // Job schedulers.

  async addJobScheduler(
    jobSchedulerId: string,
    nextMillis: number,
    templateData: string,
    templateOpts: JobsOptions,
    opts: RepeatableOptions,
    delayedJobOpts: JobsOptions,
    producerId?: string,
  ): Promise<[string, number]> {
    const { id, delay } = await this.call<{ id: string; delay: number }>("addJobScheduler", {
      id: jobSchedulerId,
      next: nextMillis,
      name: opts.name,
      repeat: opts,
      data: templateData,
      templateOpts: encodeOptions(templateOpts),
      jobOpts: delayedJobOpts,
      producerId,
    });
    return [id, delay];
  }

  async updateJobSchedulerNextMillis(
    jobSchedulerId: string,
    nextMillis: number,
    templateData: string,
    delayedJobOpts: JobsOptions,
    producerId?: string,
  ): Promise<string | null> {
    const id = await this.call<string | undefined>("updateJobSchedulerNextMillis", {
      id: jobSchedulerId,
      next: nextMillis,
      data: templateData,
      jobOpts: delayedJobOpts,
      producerId,
    });
    return id ?? null;
  }

  async removeJobScheduler(jobSchedulerId: string): Promise<number> {
    const missing = await this.call<boolean>("removeJobScheduler", { id: jobSchedulerId });
    return missing ? 1 : 0;
  }

  async getJobScheduler(id: string): Promise<[string[] | null, string | null]> {
    const next = await this.call<string | undefined>("getJobSchedulerNext", { id });
    if (next === undefined) {
      return [null, null];
    }
    return [Object.entries(await this.getJobSchedulerData(id)).flat(), next];
  }

  async isJobScheduler(id: string): Promise<boolean> {
    return (await this.getJobSchedulerData(id)).ic !== undefined;
  }

  async getJobSchedulerData(key: string): Promise<Record<string, string>> {
    return this.call("getJobSchedulerData", { id: key });
  }

  async getJobSchedulersRange(start: number, end: number, asc: boolean): Promise<string[]> {
    return this.call("getJobSchedulersRange", { start, end, asc });
  }

  async getJobSchedulersCount(): Promise<number> {
    return this.call("getJobSchedulersCount");
  }

  // The whole queue.

  async pause(pause: boolean): Promise<void> {
    await this.call("pause", { pause });
  }

  async drain(delayed: boolean): Promise<void> {
    await this.call("drain", { delayed });
  }

  async cleanJobsByState(state: string, timestamp: number, limit = 0): Promise<string[]> {
    return this.call("clean", { state, before: timestamp, limit });
  }

  async obliterate(opts: { force: boolean; count: number }): Promise<number> {
    await this.call("obliterate", { force: opts.force });
    return 0;
  }

  async removeOrphanedJobs(_count = 1000, limit = 0): Promise<number> {
    return this.call("removeOrphanedJobs", { limit });
  }

  async retryFinishedJobs(
    state: FinishedStatus = "failed",
    _count = 1000,
    timestamp = Date.now(),
  ): Promise<number> {
    await this.call("retryJobs", { state, before: timestamp });
    return 0;
  }

  async promoteJobs(): Promise<number> {
    await this.call("promoteJobs");
    return 0;
  }

  async isMaxed(): Promise<boolean> {
    return this.call("isMaxed");
  }

  async getRateLimitTtl(maxJobs?: number): Promise<number> {
    return this.call("getRateLimitTtl", { maxJobs });
  }

  async setRateLimit(expireTimeMs: number): Promise<void> {
    await this.call("setRateLimit", { duration: expireTimeMs });
  }

  async removeRateLimitKey(): Promise<number> {
    return this.call("removeRateLimit");
  }

  async getCounts(types: JobType[], delayedTimestamp?: number): Promise<number[]> {
    return this.call("getCounts", { types, delayedBefore: delayedTimestamp });
  }

  async getCountsPerPriority(priorities: number[]): Promise<number[]> {
    return this.call("getCountsPerPriority", { priorities });
  }

  async getRanges(types: JobType[], start = 0, end = 1, asc = false): Promise<[string][]> {
    const ranges = await this.call<string[][]>("getRanges", { types, start, end, asc });
    // The caller turns ascending ranges of lists around, for Redis gives them so.
    return ranges.map((ids, i) => {
      const list = ["wait", "waiting", "active", "paused"].includes(types[i] ?? "");
      return (asc && list ? ids.reverse() : ids) as [string];
    });
  }

  async getMetrics(type: FinishedStatus, start = 0, end = -1): Promise<[string[], string[], number]> {
    return this.call("getMetrics", { type, start, end });
  }

  async getClientList(): Promise<string[]> {
    return this.call("getClientList");
  }

  async setQueueMeta(values: Record<string, string | number>): Promise<number> {
    const texts = Object.entries(values).map(([field, value]) => [field, String(value)]);
    return this.call("setQueueMeta", { values: Object.fromEntries(texts) });
  }

  async getQueueMetaField(field: string): Promise<string | null> {
    const [value] = await this.getQueueMetaFields([field]);
    return value ?? null;
  }

  async getQueueMetaFields(fields: string[]): Promise<(string | null)[]> {
    return this.call("getQueueMetaFields", { fields });
  }

  async getQueueMeta(): Promise<Record<string, string>> {
    return this.call("getQueueMeta");
  }

  async removeQueueMetaFields(fields: string[]): Promise<number> {
    return this.call("removeQueueMetaFields", { fields });
  }

  async hasQueueMetaField(field: string): Promise<boolean> {
    return (await this.getQueueMetaField(field)) !== null;
  }

  async removeDeprecatedPriorityKey(): Promise<number> {
    return this.call("removeDeprecatedPriorityKey");
  }

  // Events.

  async trimEvents(maxLength: number): Promise<number> {
    return this.call("trimEvents", { max: maxLength });
  }

  async publishEvent(fields: Record<string, string | number>, maxEvents: number): Promise<string> {
    return this.call("publishEvent", { fields, maxEvents });
  }

  async readEvents(id: string, blockTimeout: number): Promise<StreamReadRaw> {
    const params = { after: id, timeout: blockTimeout };
    const entries = await this.channel.wait<{ id: string; fields: string[] }[]>(
      this.qualifiedName,
      "readEvents",
      params,
    );
    return entries.length === 0 ? null : [[this.toKey("events"), entries.map((e) => [e.id, e.fields])]];
  }
}

/** What a failed attempt writes into its job. */
function failure(fields: Record<string, unknown> = {}): object {
  return { failedReason: fields.failedReason, stacktrace: fields.stacktrace, trace: fields.tm };
}

function parsed(value: string): { v: unknown } | { err: string } {
  try {
    return { v: JSON.parse(value) };
  } catch (error) {
    return { err: (error as Error).message };
  }
}
