/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A JSON Schema, of draft 2020-12 unless `$schema` says otherwise. */
export type JsonSchema = boolean | { [keyword: string]: unknown };

/** The job that waits for another one to complete. */
export interface JobParent {
  id: string;
  queue: string;
}

/** A job as its handler sees it. All methods may be called detached. */
export interface Job<Data = unknown> {
  /** Unique in the queue. */
  readonly id: string;
  /** What the producer called the job; it chose the handler. */
  readonly name: string;
  /** The queue's name without its prefix. */
  readonly queue: string;
  /** The same, under BullMQ's name. */
  readonly queueName: string;
  readonly prefix: string;
  /** What the producer gave. */
  readonly data: Data;
  /** Counts the attempts from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The attempts that ended before this one, under BullMQ's name. */
  readonly attemptsMade: number;
  readonly priority: number;
  /** When the job was created, in epoch milliseconds. */
  readonly timestamp: number;
  readonly parent?: JobParent;
  /** Aborted when the job must stop: timed out, cancelled, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Reports how far the job is: by convention a percentage or an object. */
  progress(value: Json): Promise<void>;
  /** The same, under BullMQ's name. */
  updateProgress(value: Json): Promise<void>;
  /** Appends a line to the job's log. console.log does so too while the job runs. */
  log(line: string): Promise<void>;
  /** The results of the job's completed children by their job keys. */
  childrenValues(): Promise<Record<string, unknown>>;
  /** The same, under BullMQ's name. */
  getChildrenValues(): Promise<Record<string, unknown>>;
  /** Ends the attempt and puts the job back for some milliseconds; the attempt does not count. */
  delay(milliseconds: number): never;
}

/** What a handler's author advises for its jobs. */
export interface HandlerDefaults {
  /** How often a job is tried in all. */
  attempts?: number;
  /** The pause before a further attempt, in milliseconds. */
  backoff?: { type: "fixed" | "exponential"; delay: number; jitter?: number };
  /** How long an attempt may take, in milliseconds. */
  timeout?: number;
}

export interface HandlerDefinition<Data = unknown, Result = unknown> {
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
  /** Runs one attempt; what it returns is the job's result, as JSON. */
  run(job: Job<Data>): Result | Promise<Result>;
}

/** Declares a handler; export the result as the file's default. */
export function defineHandler<Data = unknown, Result = unknown>(
  definition: HandlerDefinition<Data, Result>,
): HandlerDefinition<Data, Result>;

/** Fails the job at once, whatever attempts it has left. */
export class UnrecoverableError extends Error {}

/** Puts the job back for some milliseconds, without using up an attempt. */
export class DelayError extends Error {
  constructor(milliseconds: number);
  readonly delay: number;
}

/** What a job's signal is aborted with. */
export class CancelledError extends Error {}
