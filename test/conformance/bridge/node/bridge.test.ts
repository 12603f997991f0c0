import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createConnection } from "node:net";
import {
  FlowProducer,
  type Job,
  type Processor,
  Queue,
  QueueEvents,
  setDefaultBackendFactory,
  Worker,
} from "bullmq";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { bridgeFactory } from "./factory.ts";

const socket = process.env.BRIDGE_SOCKET ?? "";

// What BullMQ's classes would connect to is the bridge's affair.
const connection = {};

let prefix: string;
let closers: (() => Promise<void>)[];

beforeAll(() => {
  expect(socket, "BRIDGE_SOCKET").not.toBe("");
  setDefaultBackendFactory(bridgeFactory(socket));
});

beforeEach(() => {
  prefix = randomUUID();
  closers = [];
});

afterEach(async () => {
  for (const close of closers.reverse()) {
    await close();
  }
});

function owned<T extends { close: () => Promise<void> }>(thing: T): T {
  closers.push(() => thing.close());
  return thing;
}

function queueOf(name = "mail"): Queue {
  return owned(new Queue(name, { connection, prefix }));
}

async function workerOf(process: Processor, opts: object = {}, name = "mail"): Promise<Worker> {
  const worker = owned(new Worker(name, process, { connection, prefix, ...opts }));
  await worker.waitUntilReady();
  return worker;
}

async function eventsOf(): Promise<QueueEvents> {
  const events = owned(new QueueEvents("mail", { connection, prefix }));
  await events.waitUntilReady();
  return events;
}

test("a worker runs an added job and its result can be waited for", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  await workerOf(async (job) => ({ doubled: job.data.n * 2 }));

  const job = await queue.add("double", { n: 21 });

  expect(await job.waitUntilFinished(events)).toEqual({ doubled: 42 });
  expect(await job.getState()).toBe("completed");
});

test("many jobs added at once keep their order", async () => {
  const queue = queueOf();
  const added = await Promise.all(Array.from({ length: 50 }, (_, n) => queue.add("n", { n })));
  const ran: number[] = [];
  const worker = await workerOf(async (job) => ran.push(job.data.n));
  while (ran.length < added.length) {
    await once(worker, "completed");
  }
  expect(ran).toEqual(added.map((job) => job.data.n));
});

test("a bulk goes in whole, options and all", async () => {
  const queue = queueOf();
  const jobs = await queue.addBulk([
    { name: "later", data: {}, opts: { delay: 60_000 } },
    { name: "urgent", data: {}, opts: { priority: 1 } },
    { name: "plain", data: {}, opts: { jobId: "mine" } },
  ]);
  expect(await Promise.all(jobs.map((job) => job.getState()))).toEqual(["delayed", "prioritized", "waiting"]);
  expect((await queue.getJob("mine"))?.name).toBe("plain");
});

test("a failing job is tried again and then fails with its reason", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  await workerOf(async () => {
    throw new Error("no such address");
  });

  const job = await queue.add("mail", {}, { attempts: 3, backoff: { type: "fixed", delay: 10 } });

  await expect(job.waitUntilFinished(events)).rejects.toThrow("no such address");
  const stored = (await queue.getJob(job.id as string)) as Job;
  expect([stored.attemptsMade, stored.stacktrace?.length, stored.failedReason]).toEqual([
    3,
    3,
    "no such address",
  ]);
});

test("a delayed job runs when it is due, or when it is promoted", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  await workerOf(async (job) => job.name);
  const [soon, late] = await Promise.all([
    queue.add("soon", {}, { delay: 50 }),
    queue.add("late", {}, { delay: 3_600_000 }),
  ]);
  expect(await soon.waitUntilFinished(events)).toBe("soon");
  await late.promote();
  expect(await late.waitUntilFinished(events)).toBe("late");
});

test("a flow's parent runs after its children and sees their results", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  const flow = owned(new FlowProducer({ connection, prefix }));
  const tree = await flow.add({
    name: "sum",
    queueName: "mail",
    children: [1, 2, 3].map((n) => ({ name: "part", queueName: "parts", data: { n } })),
  });
  await workerOf(async (job) => job.data.n, {}, "parts");
  await workerOf(async (job) =>
    Object.values(await job.getChildrenValues<number>()).reduce((sum, n) => sum + n, 0),
  );

  expect(await tree.job.waitUntilFinished(events)).toBe(6);

  const read = await flow.getFlow({ id: tree.job.id as string, queueName: queue.name });
  expect(read.children?.length).toBe(3);
});

test("progress, logs and new data of a running job are stored", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  await workerOf(async (job) => {
    await job.updateProgress({ sent: 1 });
    await job.log("connected");
    await job.updateData({ sent: true });
  });
  const job = await queue.add("mail", {});
  await job.waitUntilFinished(events);

  const stored = (await queue.getJob(job.id as string)) as Job;
  expect([stored.progress, stored.data]).toEqual([{ sent: 1 }, { sent: true }]);
  expect(await queue.getJobLogs(job.id as string)).toEqual({ logs: ["connected"], count: 1 });
});

test("a scheduler makes one job after another", async () => {
  const queue = queueOf();
  let runs = 0;
  const worker = await workerOf(async (job) => {
    expect(job.repeatJobKey).toBe("tick");
    runs++;
  });
  await queue.upsertJobScheduler("tick", { every: 40, limit: 3 }, { name: "tick" });
  while (runs < 3) {
    await once(worker, "completed");
  }
  expect((await queue.getJobScheduler("tick"))?.every).toBe(40);
  expect(await queue.removeJobScheduler("tick")).toBe(true);
  expect(await queue.getJobSchedulersCount()).toBe(0);
});

test("a paused queue gives out nothing until it is resumed", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  await queue.pause();
  await workerOf(async () => "done");
  const job = await queue.add("mail", {});
  expect([await queue.isPaused(), await job.getState()]).toEqual([true, "waiting"]);
  await queue.resume();
  expect(await job.waitUntilFinished(events)).toBe("done");
});

test("a job with a deduplication id is added once", async () => {
  const queue = queueOf();
  const first = await queue.add("mail", {}, { deduplication: { id: "one" } });
  const second = await queue.add("mail", {}, { deduplication: { id: "one" } });
  expect(second.id).toBe(first.id);
  expect(await queue.getDeduplicationJobId("one")).toBe(first.id);
  expect(await queue.getWaitingCount()).toBe(1);
});

test("finished jobs are counted, listed, retried and cleaned", async () => {
  const queue = queueOf();
  const events = await eventsOf();
  const jobs = await queue.addBulk(Array.from({ length: 5 }, (_, n) => ({ name: "mail", data: { n } })));
  const worker = await workerOf(async () => undefined);
  await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
  await worker.pause();

  expect((await queue.getJobCounts()).completed).toBe(5);
  expect((await queue.getCompleted(0, 1)).length).toBe(2);
  await (await queue.getCompleted(0, 0))[0]?.retry("completed");
  expect(await queue.getJobCounts("completed", "waiting")).toEqual({ completed: 4, waiting: 1 });
  expect((await queue.clean(0, 0, "completed")).length).toBe(4);
  await queue.obliterate();
  expect(await queue.count()).toBe(0);
});

test("workers are listed under their names", async () => {
  const queue = queueOf();
  await workerOf(async () => undefined, { name: "postman" });
  const [worker] = await queue.getWorkers();
  expect(worker?.rawname).toBe(`${prefix}:${Buffer.from("mail").toString("base64")}:w:postman`);
});

test("failures have BullMQ's texts and codes", async () => {
  const queue = queueOf();
  const job = await queue.add("mail", {});
  await expect(job.promote()).rejects.toMatchObject({
    message: `Job ${job.id} is not in the delayed state. promote`,
    code: -3,
  });
  await job.remove();
  await expect(job.updateProgress(1)).rejects.toMatchObject({
    message: `Missing key for job ${job.id}. updateProgress`,
    code: -1,
  });
});

test("a worker that waits can be closed at once", async () => {
  const worker = await workerOf(async () => undefined, { drainDelay: 3600 });
  await worker.close();
  await expect(worker.waitUntilReady()).resolves.toBeUndefined();
});

test("a client that does not keep to the protocol is dropped", async () => {
  const raw = createConnection({ path: socket });
  raw.write("no JSON\n");
  raw.resume();
  await once(raw, "close");

  const fine = createConnection({ path: socket });
  fine.setEncoding("utf8");
  fine.write('{"id":1,"queue":"bull:mail","method":"promote"}\n{"id":2,"method":"fly"}\n');
  const replies: string[] = [];
  while (replies.length < 2) {
    const [text] = (await once(fine, "data")) as [string];
    replies.push(...text.trimEnd().split("\n"));
  }
  fine.destroy();
  expect(replies.map((line) => JSON.parse(line))).toEqual([
    { id: 1, error: { code: 0, message: "the session is not open" } },
    { id: 2, error: { code: 0, message: 'unknown method "fly"' } },
  ]);
});
