import type { JobJson, JobsOptions, ParentKeyOpts } from "bullmq";
import { parseJobKey } from "./keys.ts";

/** A job as the bridge adds it. */
export interface NewJob {
  id: string;
  name: string;
  data: string;
  opts: string;
  timestamp: number;
  delay: number;
  priority: number;
  lifo: boolean;
  parent?: { queue: string; id: string; policy: string };
  waitsForChildren: boolean;
}

/** The job that a worker took, as its classes want it: job, id, rate limit in ms, next delayed job. */
export type NextJob = [] | [JobJson | null, string | number, number, number];

/** The bridge's answer to a worker that asked for a job. */
export interface Fetched {
  id?: string;
  hash?: Record<string, string>;
  rateLimited: number;
  nextDelayed: number;
}

/** The short names under which the hash of a job keeps some options. */
const storedNames: Record<string, string> = {
  deduplication: "de",
  failParentOnFailure: "fpof",
  continueParentOnFailure: "cpof",
  ignoreDependencyOnFailure: "idof",
  removeDependencyOnFailure: "rdof",
  keepLogs: "kl",
};

const publicNames = Object.fromEntries(Object.entries(storedNames).map(([long, short]) => [short, long]));

const policies = ["fpof", "cpof", "idof", "rdof"] as const;

/** Writes options in the form that is stored, as JSON. */
export function encodeOptions(opts: JobsOptions | undefined): string {
  const { telemetry, ...rest } = opts ?? {};
  const stored: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) {
    stored[storedNames[name] ?? name] = value;
  }
  stored.tm = telemetry?.metadata;
  stored.omc = telemetry?.omitContext;
  return JSON.stringify(stored);
}

function decodeOptions(text: string | undefined): JobsOptions {
  const opts: Record<string, unknown> = {};
  const telemetry: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(JSON.parse(text || "{}") as object)) {
    if (name === "tm") {
      telemetry.metadata = value;
    } else if (name === "omc") {
      telemetry.omitContext = value;
    } else {
      opts[publicNames[name] ?? name] = value;
    }
  }
  return Object.keys(telemetry).length > 0 ? { ...opts, telemetry } : opts;
}

/** Writes a job for the bridge. The id may be empty, for the queue's counter to give one. */
export function encodeJob(job: JobJson, jobId: string | undefined, parent: ParentKeyOpts = {}): NewJob {
  const { opts } = job;
  const encoded: NewJob = {
    id: jobId ?? "",
    name: job.name,
    data: job.data,
    opts: encodeOptions(opts),
    timestamp: job.timestamp,
    delay: opts.delay ?? 0,
    priority: opts.priority ?? 0,
    lifo: opts.lifo ?? false,
    waitsForChildren: parent.addToWaitingChildren ?? false,
  };
  const link = job.parent;
  if (link) {
    const policy = policies.find((name) => link[name]) ?? "";
    encoded.parent = { queue: link.queueKey, id: link.id ?? "", policy };
  } else if (parent.parentKey) {
    const { prefix, queueName, id } = parseJobKey(parent.parentKey);
    encoded.parent = { queue: `${prefix}:${queueName}`, id, policy: "" };
  }
  return encoded;
}

/** Reads the hash of a job. What is JSON in it stays text where BullMQ decodes it itself. */
export function decodeJob(hash: Record<string, string>): JobJson {
  const integer = (name: string) => Number.parseInt(hash[name] ?? "", 10);
  const optional = (name: string) => (hash[name] ? integer(name) : undefined);
  return {
    id: hash.id as string,
    name: hash.name as string,
    data: hash.data || "{}",
    opts: decodeOptions(hash.opts),
    progress: JSON.parse(hash.progress || "0"),
    delay: integer("delay"),
    priority: integer("priority"),
    timestamp: integer("timestamp"),
    attemptsStarted: optional("ats") ?? 0,
    attemptsMade: optional("attemptsMade") ?? optional("atm") ?? 0,
    stalledCounter: optional("stc") ?? 0,
    finishedOn: optional("finishedOn"),
    processedOn: optional("processedOn"),
    repeatJobKey: hash.rjk,
    debounceId: hash.deid,
    deduplicationId: hash.deid,
    failedReason: hash.failedReason as string,
    deferredFailure: hash.defa,
    stacktrace: hash.stacktrace,
    returnvalue: hash.returnvalue as string,
    parentKey: hash.parentKey,
    parent: hash.parent ? JSON.parse(hash.parent) : undefined,
    processedBy: hash.pb,
  };
}

/** Reads the answer to a worker that asked for a job. */
export function decodeNextJob({ id, hash, rateLimited, nextDelayed }: Fetched): NextJob {
  const job = hash && Object.keys(hash).length > 0 ? decodeJob(hash) : null;
  return [job, id ?? 0, rateLimited, nextDelayed];
}

/** Decodes each value of a record of JSON texts. */
export function parseValues(record: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, JSON.parse(value)]));
}
