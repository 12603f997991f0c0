/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A JSON Schema, of draft 2020-12 unless `$schema` says otherwise. */
export type JsonSchema = boolean | { [keyword: string]: unknown };

/** The job that waits for another one to complete. */
export interface JobParent {
  /** The parent's id. */
  id: string;
  /** The parent's queue with its prefix, such as `bull:reports`. */
  queue: string;
}

/** How jobs that have ended are kept: all, none, the last so many, or by age in seconds. */
export type Keep = boolean | number | { age?: number; count?: number; limit?: number };

/** The options of a job, as in BullMQ. Times are in milliseconds. */
export interface JobOptions {
  /** The job's id; the queue has at most one job of it. Made up by default. */
  jobId?: string;
  /** How often the job is tried in all. Defaults to 1. */
  attempts?: number;
  /** The pause before a further attempt. Defaults to none. */
  backoff?: number | { type: string; delay?: number; jitter?: number };
  /** How long the job waits at first. Defaults to 0. */
  delay?: number;
  /** From 1, the most urgent. Defaults to 0, before all others. */
  priority?: number;
  /** Adds the job to the front of those that wait. */
  lifo?: boolean;
  removeOnComplete?: Keep;
  removeOnFail?: Keep;
  /** How many lines of its log are kept. Defaults to all. */
  keepLogs?: number;
  deduplication?: { id: string; ttl?: number; extend?: boolean; replace?: boolean };
  /** What a child's failure means for its parent; without any of these the parent waits on. */
  failParentOnFailure?: boolean;
  continueParentOnFailure?: boolean;
  ignoreDependencyOnFailure?: boolean;
  removeDependencyOnFailure?: boolean;
  /** Others of BullMQ's options, which are passed on. */
  [option: string]: unknown;
}

/** A job for a handler to add. */
export interface NewJob<Data = unknown> {
  /** Chooses the handler that runs it. */
  name: string;
  /** Defaults to {}. */
  data?: Data;
  opts?: JobOptions;
  /** A queue under the same prefix. Defaults to the running job's own. */
  queue?: string;
}

/** Where a job is that was added. */
export interface AddedJob {
  id: string;
  /** The queue's name without its prefix. */
  queue: string;
}

/** How many children a job has, by how they stand. */
export interface DependencyCounts {
  /** Completed. */
  processed: number;
  /** Not ended yet. */
  unprocessed: number;
  /** Failed, which the job was told to ignore. */
  ignored: number;
  /** Failed, which fails the job. */
  failed: number;
}

/**
 * A job as its handler sees it. All methods may be called detached. Those that
 * answer reject with an Error once the job is over.
 */
export interface Job<Data = unknown, State = unknown> extends JobOfBullMQ<Data> {
  /** Unique in the queue. */
  readonly id: string;
  /** What the producer called the job; it chose the handler. */
  readonly name: string;
  /** The queue's name without its prefix. */
  readonly queue: string;
  readonly prefix: string;
  /** What the producer gave, or what `updateData` has put in its place. */
  readonly data: Data;
  /** What `saveState` has kept in this attempt or an earlier one; undefined if nothing. */
  readonly state: State | undefined;
  readonly opts: JobOptions;
  /** Counts the attempts from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Counts the attempts that began, this one included: also those that put the job back. */
  readonly attemptsStarted: number;
  readonly priority: number;
  /** When the job was created, in epoch milliseconds. */
  readonly timestamp: number;
  /** The job that waits for this one, if there is one. */
  readonly parent?: JobParent;
  /** Aborted with a {@link CancelledError} when the job must stop: timed out, cancelled, or the worker shuts down. */
  readonly signal: AbortSignal;

  /**
   * Reports how far the job is: by convention a percentage or an object. Of values
   * reported in quick succession only the last is sure to be stored.
   */
  progress(value: Json): Promise<void>;
  /** Appends a line to the job's log. console.log does so too while the job runs. */
  log(line: string): Promise<void>;

  /** The results of the job's completed children by their job keys, `prefix:queue:id`. */
  childrenValues<Value = Json>(): Promise<Record<string, Value>>;
  /** Why children failed whose failure the job was told to ignore, by their job keys. */
  failedChildren(): Promise<Record<string, string>>;
  dependencies(): Promise<DependencyCounts>;
  /** Adds jobs as children of this one, all or none. Wait for them with `waitForChildren`. */
  addChildren(jobs: readonly NewJob[]): Promise<AddedJob[]>;
  /** Adds jobs that have nothing further to do with this one, all or none. */
  addJobs(jobs: readonly NewJob[]): Promise<AddedJob[]>;

  /** Keeps a value of at most 1 MiB as JSON for the job's further attempts, up to 7 days. */
  saveState(value: State): Promise<void>;
  /** Replaces the job's data. */
  updateData(value: Data): Promise<void>;

  /** Ends the attempt and puts the job back for some milliseconds; the attempt does not count. */
  delay(milliseconds: number): never;
  /** Ends the attempt; the job runs again when its children have ended. The attempt does not count. */
  waitForChildren(): never;
  /** Ends the attempt and puts the job back to the front of those that wait; the attempt does not count. */
  release(): never;
  /** Puts the job back, and takes none of the queue's jobs for some milliseconds; the attempt does not count. */
  rateLimit(milliseconds: number): never;
}

/** What handlers written for npm bullmq find on their job, under the names they know. */
export interface JobOfBullMQ<Data = unknown> {
  /** Same as `queue`. */
  readonly queueName: string;
  /** The queue with its prefix. */
  readonly queueQualifiedName: string;
  /** `attempt` less 1. */
  readonly attemptsMade: number;
  /** The parent's key, if there is a parent. */
  readonly parentKey?: string;
  /** Stands in for the lock's token: only good for the methods below. */
  readonly token: string;
  /** Same as `progress`. */
  updateProgress(value: Json): Promise<void>;
  /** Same as `updateData` of {@link Job}. */
  updateData(value: Data): Promise<void>;
  /** Same as `childrenValues`. */
  getChildrenValues<Value = Json>(): Promise<Record<string, Value>>;
  /** Same as `failedChildren`. */
  getIgnoredChildrenFailures(): Promise<Record<string, string>>;
  /** Same as `dependencies`. */
  getDependenciesCount(): Promise<DependencyCounts>;
  /** The job is active for as long as its handler sees it. */
  getState(): Promise<"active">;
  /** Does nothing: the worker renews the lock. */
  extendLock(token?: string, duration?: number): Promise<number>;
  /** Whatever is thrown, the job gets no further attempt. */
  discard(): void;
  /** Puts the job back until a time in epoch milliseconds. Throw BullMQ's DelayedError, or return, after it. */
  moveToDelayed(timestamp: number, token?: string): Promise<void>;
  /** Puts the job back to wait. Throw BullMQ's WaitingError, or return, after it. */
  moveToWait(token?: string): Promise<void>;
  /** Whether there are children to wait for. If so, throw BullMQ's WaitingChildrenError, or return, after it. */
  moveToWaitingChildren(token?: string): Promise<boolean>;
}

/** What a handler's author advises for its jobs. */
export interface HandlerDefaults {
  /** How often a job is tried in all. */
  attempts?: number;
  /** The pause before a further attempt, in milliseconds; jitter is a share of it from 0 to 1. */
  backoff?: { type: "fixed" | "exponential"; delay?: number; jitter?: number };
  /** How long an attempt may take, in milliseconds. */
  timeout?: number;
  /** How many of the handler's jobs a worker runs at once, over all its queues; 0 for no limit. */
  concurrency?: number;
}

export interface HandlerDefinition<Data = unknown, Result = unknown, State = unknown> {
  /** The job name that the handler answers. Defaults to the file's name. */
  name?: string;
  /** Semantic version. Defaults to 0.0.0. */
  version?: string;
  description?: string;
  author?: string;
  /** Schema of the job's data. Data that violates it never reaches `run`. */
  schema?: JsonSchema;
  /** Schema of the result, for readers. */
  resultSchema?: JsonSchema;
  defaults?: HandlerDefaults;
  /**
   * Has the file's process started at once, and stay without jobs, where it would start
   * with the first job and end some minutes after the last. Defaults to false.
   */
  keepAlive?: boolean;
  /** Runs one attempt; what it returns is the job's result, as JSON. */
  run(job: Job<Data, State>): Result | Promise<Result>;
}

/**
 * Declares a handler; export the result as the file's default.
 *
 * @throws TypeError that names the field which is wrong, or looks misspelled.
 */
export function defineHandler<Data = unknown, Result = unknown, State = unknown>(
  definition: HandlerDefinition<Data, Result, State>,
): HandlerDefinition<Data, Result, State>;

/** Fails the job at once, whatever attempts it has left. */
export class UnrecoverableError extends Error {
  readonly name: "UnrecoverableError";
}

/** Puts the job back for some milliseconds, without using up an attempt. */
export class DelayError extends Error {
  readonly name: "DelayError";
  constructor(milliseconds: number);
  readonly delay: number;
}

/** Lets the job wait for its children, without using up an attempt. */
export class WaitForChildrenError extends Error {
  readonly name: "WaitForChildrenError";
  constructor(message?: string);
}

/** Puts the job back to the front of those that wait, without using up an attempt. */
export class ReleaseError extends Error {
  readonly name: "ReleaseError";
  constructor(message?: string);
}

/** Puts the job back and takes none of the queue's jobs for some milliseconds, without using up an attempt. */
export class RateLimitError extends Error {
  readonly name: "RateLimitError";
  constructor(milliseconds: number);
  readonly rateLimit: number;
}

/** What a job's signal is aborted with. */
export class CancelledError extends Error {
  readonly name: "CancelledError";
}
