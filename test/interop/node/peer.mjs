// The Node side of the interop tests: npm bullmq, driven over stdin and stdout.
// The arguments are Redis's host and port and the name under which the library
// is installed, which says its version.
//
// A request is one line of JSON, {id, method, params}; the answer is one line,
// {id, result} or {id, error: {name, message}}. Requests run at the same time
// and answers come as they are ready. The process ends with its stdin.
import { createInterface } from "node:readline";
import { makeProcessor } from "./processor.mjs";

const [host, port, library] = process.argv.slice(2);
const { FlowProducer, Job, Queue, QueueEvents, UnrecoverableError, Worker } = await import(library);
const processor = makeProcessor(UnrecoverableError);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };

const eventNames = [
  ...["added", "waiting", "delayed", "waiting-children", "active", "progress", "completed", "failed"],
  ...["retries-exhausted", "stalled", "removed", "duplicated", "cleaned", "drained", "paused", "resumed"],
];

const queues = new Map();
const flows = new Map();
const workers = new Map();
const followed = new Map();

/** Returns what make gives for the key, made once. */
function once(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

const keyOf = ({ prefix, name }) => `${prefix}:${name}`;
const queueOf = (ref) =>
  once(queues, keyOf(ref), () => new Queue(ref.name, { connection, prefix: ref.prefix }).setMaxListeners(0));

/** Finds a job or says which one is missing. */
async function jobOf(ref, jobId) {
  const job = await queueOf(ref).getJob(jobId);
  if (!job) throw new Error(`no job ${jobId} in ${keyOf(ref)}`);
  return job;
}

const jobFields = [
  ...[
    "id",
    "name",
    "data",
    "opts",
    "timestamp",
    "delay",
    "priority",
    "progress",
    "returnvalue",
    "failedReason",
  ],
  ...["stacktrace", "attemptsMade", "attemptsStarted", "stalledCounter", "processedOn", "finishedOn"],
  ...["processedBy", "parentKey", "parent", "repeatJobKey"],
];

const describeJob = (job) => Object.fromEntries(jobFields.map((name) => [name, job[name]]));

/** Makes plain JSON of what a method of the library returned. */
function describe(value) {
  if (value instanceof Job) return describeJob(value);
  if (Array.isArray(value)) return value.map(describe);
  if (value?.job instanceof Job)
    return { job: describeJob(value.job), children: describe(value.children ?? []) };
  return value ?? null;
}

const methods = {
  /** Calls a method of Queue. */
  queue: ({ queue, method, args = [] }) => queueOf(queue)[method](...args),

  /** Calls a method of a stored Job. */
  job: async ({ queue, jobId, method, args = [] }) => (await jobOf(queue, jobId))[method](...args),

  /** Calls a method of FlowProducer. */
  flow: ({ prefix, method, args = [] }) =>
    once(flows, prefix, () => new FlowProducer({ connection, prefix }))[method](...args),

  /** Starts a worker whose processor knows the tests' jobs, or, to hang, finishes none. */
  startWorker: async ({ queue, options, hang }) => {
    const run = hang ? () => new Promise(() => {}) : processor;
    const worker = new Worker(queue.name, run, { ...options, connection, prefix: queue.prefix });
    worker.on("error", (error) => console.error("worker error:", error));
    await worker.waitUntilReady();
    workers.set(worker.id, worker);
    return worker.id;
  },

  stopWorker: async ({ worker, force = false }) => {
    const running = workers.get(worker);
    workers.delete(worker);
    await running?.close(force);
  },

  /** Follows a queue's events from the oldest one on. */
  follow: async ({ queue }) => {
    const events = new QueueEvents(queue.name, { connection, prefix: queue.prefix, lastEventId: "0" });
    const seen = [];
    for (const event of eventNames) {
      events.on(event, (fields) => seen.push({ ...(typeof fields === "object" && fields), event }));
    }
    events.setMaxListeners(0);
    events.on("error", (error) => console.error("queue events error:", error));
    await events.waitUntilReady();
    followed.set(keyOf(queue), { events, seen });
  },

  /** Ends what follow began. */
  unfollow: async ({ queue }) => {
    const { events } = followed.get(keyOf(queue));
    followed.delete(keyOf(queue));
    await events.close();
  },

  /** Returns the events seen since follow. */
  seen: ({ queue }) => followed.get(keyOf(queue)).seen,

  /** Waits for jobs of a followed queue and returns each result or failure. */
  waitUntilFinished: async ({ queue, jobIds, ttl }) => {
    const { events } = followed.get(keyOf(queue));
    const wait = async (jobId) => {
      try {
        const job = await jobOf(queue, jobId);
        return { value: (await job.waitUntilFinished(events, ttl)) ?? null };
      } catch (error) {
        return { error: error.message };
      }
    };
    return Promise.all(jobIds.map(wait));
  },
};

async function answer({ id, method, params }) {
  try {
    return { id, result: describe(await methods[method](params)) };
  } catch (error) {
    return { id, error: { name: error.name, message: error.message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  answer(JSON.parse(line)).then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`));
}
await Promise.all([...workers.values()].map((worker) => worker.close(true)));
process.exit(0);
