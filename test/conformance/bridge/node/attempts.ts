import type {
  KeepJobs,
  MinimalJob,
  MoveToDelayedOpts,
  MoveToWaitingChildrenOpts,
  RetryJobOpts,
} from "bullmq";
import { decodeNextJob, type Fetched, type NextJob } from "./codec.ts";
import { Session } from "./session.ts";

/** Of the datastore the part that workers use: the life of a job in a worker. */
export class Attempts extends Session {
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
    const next = await this.reportAttempt("moveToDelayed", outcome, token, opts.fetchNext ?? false);
    // This command answers with a job or not at all.
    return next[0] ? next : [];
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
}

/** What a failed attempt writes into its job. */
function failure(fields: Record<string, unknown> = {}): object {
  return { failedReason: fields.failedReason, stacktrace: fields.stacktrace, trace: fields.tm };
}
