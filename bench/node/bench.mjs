// The host of npm bullmq: internal/peer/protocol.go has what it reads and answers.
import { createInterface } from "node:readline";
import { FlowProducer, Queue, Worker } from "bullmq";
import noop from "./handlers/noop.mjs";

const FLOW_CHILDREN = 4;
const DELAY_SPREAD = 1000;
const AWAIT_TIMEOUT = 5 * 60_000;
const NANOSECONDS = 1e6;

const [host, port, queueName] = process.argv.slice(2);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue(queueName, { connection });
const flows = new FlowProducer({ connection });
await queue.waitUntilReady();
await flows.waitUntilReady();

const arrivalPayload = payloadFor(100);
const arrivals = new Set();
let arrivalError;
let worker;
let tally;

function payloadFor(bytes) {
  return "x".repeat(Math.max(bytes - '{"index":10000,"payload":""}'.length, 0));
}

function nowMicros() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

function makeJob({ kind }, index, payload) {
  const job = { name: "noop", data: { index, payload } };
  if (kind === "delayed") job.opts = { delay: 1 + (index % DELAY_SPREAD) };
  if (kind === "prioritized") job.opts = { priority: 1 + (index % 1000) };
  if (kind === "flow") {
    job.queueName = queueName;
    job.children = Array.from({ length: FLOW_CHILDREN }, (_, i) => ({
      name: "noop",
      queueName,
      data: { index: index + 1 + i, payload },
    }));
  }
  return job;
}

const stepOf = ({ kind }) => (kind === "flow" ? 1 + FLOW_CHILDREN : 1);

async function handle(job) {
  const now = nowMicros();
  const { index, due } = job.data;
  if (tally.hold > 0) await new Promise((resolve) => setTimeout(resolve, tally.hold / NANOSECONDS));
  if (due) tally.latencies.push(now - due);
  tally.seen[index]++;
  tally.handled++;
  if (tally.handled >= tally.target) tally.reached?.();
  return tally.echo ? noop.run(job) : undefined;
}

const commands = {
  async add({ producers, ...batch }) {
    const payload = payloadFor(batch.bytes);
    const step = stepOf(batch);
    let next = 0;
    const produce = async () => {
      while (next < batch.jobs) {
        const { name, data, opts, children } = makeJob(batch, batch.first + next, payload);
        next += step;
        if (children) await flows.add({ name, queueName, data, children });
        else await queue.add(name, data, opts);
      }
    };
    await Promise.all(Array.from({ length: producers }, produce));
  },

  async addBulk({ bulk, ...batch }) {
    const payload = payloadFor(batch.bytes);
    const step = stepOf(batch);
    for (let start = 0; start < batch.jobs; start += bulk) {
      const jobs = [];
      for (let index = start; index < Math.min(start + bulk, batch.jobs); index += step) {
        jobs.push(makeJob(batch, batch.first + index, payload));
      }
      if (batch.kind === "flow") await flows.addBulk(jobs);
      else await queue.addBulk(jobs);
    }
  },

  async settle() {
    await Promise.all(arrivals);
    if (arrivalError) throw arrivalError;
  },

  async work({ jobs, concurrency, hold, limit, echo }) {
    tally = {
      echo,
      hold: hold ?? 0,
      seen: new Uint8Array(jobs),
      handled: 0,
      latencies: [],
      target: Number.POSITIVE_INFINITY,
    };
    const limiter = limit.max > 0 ? { max: limit.max, duration: limit.duration / NANOSECONDS } : undefined;
    worker = new Worker(queueName, handle, { connection, concurrency, limiter });
    worker.on("error", (error) => console.error(error));
  },

  async await({ handled }) {
    const reached = new Promise((resolve, reject) => {
      const timeout = setTimeout(
        () => reject(new Error(`${tally.handled} of ${handled} jobs were handled`)),
        AWAIT_TIMEOUT,
      );
      tally.reached = () => {
        clearTimeout(timeout);
        resolve();
      };
    });
    tally.target = handled;
    if (tally.handled >= handled) tally.reached();
    await reached;
  },

  async stop() {
    await worker.close();
    const { seen, handled, latencies } = tally;
    return {
      handled,
      latencies,
      lost: seen.filter((n) => n === 0).length,
      repeated: seen.filter((n) => n > 1).length,
    };
  },
};

function arrive(line) {
  const [index, due] = line.split(" ").map(Number);
  const added = queue.add("noop", { index, payload: arrivalPayload, due });
  arrivals.add(added);
  added.catch((error) => {
    arrivalError = error;
  });
  added.finally(() => arrivals.delete(added)).catch(() => {});
}

console.log(JSON.stringify({ result: null }));
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.startsWith("{")) {
    arrive(line);
    continue;
  }
  const { command, ...args } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await commands[command](args)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.stack ?? error) }));
  }
}
await queue.close();
await flows.close();
