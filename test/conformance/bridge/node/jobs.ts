import type {
  DependenciesOpts,
  FinishedStatus,
  JobJson,
  JobProgress,
  JobState,
  MinimalJob,
  ParentKeyOpts,
  RetryOptions,
} from "bullmq";
import { Attempts } from "./attempts.ts";
import { childrenPages, type Dependencies } from "./children.ts";
import { decodeJob, encodeJob, parseValues } from "./codec.ts";
import { BridgeError, commandError } from "./errors.ts";

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

/** Of the datastore the part that is about single jobs. */
export class Jobs extends Attempts {
  // Adding jobs.

  async addJob(job: JobJson, jobId: string, parentKeyOpts: ParentKeyOpts = {}): Promise<string> {
    const [id = ""] = await this.addJobs([{ job, jobId, parentKeyOpts }]);
    return id;
  }

  /** Is no part of the interface, but Job.addJob calls it. The bridge has no use for the client. */
  async addJobToTransaction(
    _client: unknown,
    job: JobJson,
    jobId: string,
    parentKeyOpts: ParentKeyOpts = {},
  ): Promise<string> {
    if (!parentKeyOpts.addToWaitingChildren) {
      return this.addJob(job, jobId, parentKeyOpts);
    }
    const node = { ...encodeJob(job, jobId, parentKeyOpts), queue: this.qualifiedName };
    return addedId(await this.call<Added[]>("addFlow", { nodes: [node] }), 0, parentKeyOpts);
  }

  async addJobs(
    entries: { job: JobJson; jobId: string; parentKeyOpts?: ParentKeyOpts }[],
  ): Promise<string[]> {
    const jobs = entries.map((e) => encodeJob(e.job, e.jobId, e.parentKeyOpts));
    const results = await this.call<Added[]>("addJobs", { jobs });
    return entries.map((entry, i) => addedId(results, i, entry.parentKeyOpts));
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
    const results = await this.call<Added[]>("addFlow", { nodes });
    return results.map(({ id, error }) => {
      if (error) {
        return error.code < 0 ? [null, error.code] : [new BridgeError(error.message, error.code), 0];
      }
      return [null, id ?? ""];
    });
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
    return (await this.call<boolean>("removeDeduplicationKey", { id, jobId })) ? 1 : 0;
  }

  async deleteDeduplicationKey(id: string): Promise<number> {
    return (await this.call<boolean>("removeDeduplicationKey", { id })) ? 1 : 0;
  }

  async getDeduplicationJobId(id: string): Promise<string | null> {
    return (await this.call<string>("getDeduplicationJobId", { id })) || null;
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
}

function parsed(value: string): { v: unknown } | { err: string } {
  try {
    return { v: JSON.parse(value) };
  } catch (error) {
    return { err: (error as Error).message };
  }
}

function addedId(results: Added[], i: number, { parentKey }: ParentKeyOpts = {}): string {
  const { id = "", error } = results[i] ?? {};
  if (error) {
    throw commandError(new BridgeError(error.message, error.code), { name: "addJob", parentKey });
  }
  return id;
}
