import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { startHost } from "../testenv/worker.mjs";

test("a handler sees its job", async (t) => {
  const host = await startHost(
    t,
    `export default (job) => ({ ...job, attemptsMade: job.attemptsMade, state: job.state ?? "none",
       more: [job.queueQualifiedName, job.parentKey, job.token, job.signal.aborted, JSON.parse(JSON.stringify(job)).id] });`,
  );
  const seen = await host.run({ n: 1 }, { parent: { id: "3", queue: "bull:up" } });
  assert.deepEqual(seen, {
    id: "7",
    name: "module",
    queue: "q",
    queueName: "q",
    prefix: "bull",
    data: { n: 1 },
    state: "none",
    opts: { attempts: 3 },
    attempt: 2,
    attemptsMade: 1,
    attemptsStarted: 4,
    maxAttempts: 3,
    priority: 0,
    timestamp: 1_700_000_000_000,
    parent: { id: "3", queue: "bull:up" },
    more: ["bull:q", "bull:up:3", "bull:q:7", false, "7"],
  });
});

test("progress and log arrive in order, under either name, detached too", async (t) => {
  const host = await startHost(
    t,
    `export default async (job) => {
       const { log, progress, updateProgress } = job;
       await progress(10); await log("a\\nb"); await updateProgress({ half: true }); job.log(5);
     };`,
  );
  const { call, answer } = host.begin({});
  assert.equal(await answer, null);
  assert.deepEqual(host.notes, [
    { method: "progress", call, value: 10 },
    { method: "log", call, line: "a\nb" },
    { method: "progress", call, value: { half: true } },
    { method: "log", call, line: "5" },
  ]);
});

test("awaited progress is written before the handler goes on", async (t) => {
  const host = await startHost(t, `export default async (job) => { await job.progress(1); for (;;); };`);
  host.begin({});
  await host.until(() => host.notes.length === 1);
  process.kill(host.pid, "SIGKILL");
});

test("questions about the job reach the worker and come back", async (t) => {
  const host = await startHost(
    t,
    `export default async (job) => [
       await job.childrenValues(), await job.getChildrenValues(), await job.failedChildren(),
       await job.getIgnoredChildrenFailures(), await job.dependencies(), await job.getDependenciesCount(),
     ];`,
  );
  const counts = { processed: 1, unprocessed: 0, ignored: 1, failed: 0 };
  host.answers = {
    childrenValues: () => ({ "bull:q:1": 2 }),
    failedChildren: () => ({ "bull:q:2": "no paper" }),
    dependencies: () => counts,
  };
  const { call, answer } = host.begin({});
  const values = { "bull:q:1": 2 };
  const failures = { "bull:q:2": "no paper" };
  assert.deepEqual(await answer, [values, values, failures, failures, counts, counts]);
  assert.deepEqual(
    host.asked.map((a) => a.method),
    ["childrenValues", "childrenValues", "failedChildren", "failedChildren", "dependencies", "dependencies"],
  );
  assert.ok(host.asked.every((a) => a.call === call));
});

test("jobs and children are added", async (t) => {
  const host = await startHost(
    t,
    `export default async (job) => [
       await job.addChildren([{ name: "thumb", data: { w: 1 }, opts: { priority: 2 }, queue: "img" }, { name: "b" }]),
       await job.addJobs([{ name: "later" }]),
     ];`,
  );
  host.answers = {
    addChildren: ({ jobs }) => jobs.map((job, i) => ({ id: String(i), queue: job.queue ?? "q" })),
    addJobs: () => [{ id: "9", queue: "q" }],
  };
  assert.deepEqual(await host.run({}), [
    [
      { id: "0", queue: "img" },
      { id: "1", queue: "q" },
    ],
    [{ id: "9", queue: "q" }],
  ]);
  assert.deepEqual(host.asked[0].jobs, [
    { name: "thumb", data: { w: 1 }, opts: { priority: 2 }, queue: "img" },
    { name: "b" },
  ]);
});

test("a list of jobs that is none is refused before it is sent", async (t) => {
  const host = await startHost(t, `export default (job) => job[job.data.method](job.data.jobs);`);
  const refused = (method, jobs, message) => assert.rejects(host.run({ method, jobs }), { message });
  await refused("addChildren", { name: "a" }, "addChildren takes a list of jobs { name, data }");
  await refused(
    "addJobs",
    [{ name: "a" }, {}],
    "addJobs: job 1 of the list needs a name, that of its handler",
  );
  await refused(
    "addJobs",
    [{ name: "a", queue: 5 }],
    "addJobs: the queue of job 0 of the list must be its name",
  );
  assert.equal(host.asked.length, 0);
});

test("state and data that were saved are seen at once", async (t) => {
  const host = await startHost(
    t,
    `export default async (job) => {
       const before = job.state;
       await job.saveState({ step: before.step + 1 });
       await job.updateData({ n: job.data.n + 1 });
       return [before, job.state, job.data];
     };`,
  );
  host.answers = { saveState: () => null, updateData: () => null };
  assert.deepEqual(await host.run({ n: 1 }, { state: { step: 4 } }), [{ step: 4 }, { step: 5 }, { n: 2 }]);
  assert.deepEqual(
    host.asked.map(({ method, value }) => [method, value]),
    [
      ["saveState", { step: 5 }],
      ["updateData", { n: 2 }],
    ],
  );
});

test("a state of more than 1 MiB is refused", async (t) => {
  const host = await startHost(t, `export default (job) => job.saveState("x".repeat(2 ** 20));`, {
    maxResultBytes: 5 << 20,
  });
  await assert.rejects(host.run({}), /the state has 1048578 bytes as JSON, more than the 1048576 allowed/);
});

test("an error of the worker names the method and where it was called", async (t) => {
  const host = await startHost(
    t,
    `export default async function work(job) {
       await job.updateData(1);
     }`,
  );
  host.answers = {
    updateData: () => {
      throw new Error("the store is away");
    },
  };
  await assert.rejects(host.run({}), (error) => {
    assert.equal(error.message, "updateData: the store is away");
    assert.match(error.data.stack, /at async (?:Object\.)?work .*module\.mjs:2:/);
    return true;
  });
});

test("the signal is aborted with a CancelledError of the handler's own class", async (t) => {
  const host = await startHost(
    t,
    `import { CancelledError } from "@jobrunner/handler";
     export default ({ signal, log }) => new Promise((resolve) => {
       log("ready");
       signal.addEventListener("abort", () =>
         resolve([signal.reason instanceof CancelledError, signal.reason.name, signal.reason.message]));
     });`,
  );
  const { call, answer } = host.begin({});
  await host.until(() => host.logged(call).length === 1);
  host.notify("cancel", { call, reason: "timed out after 5s" });
  assert.deepEqual(await answer, [true, "CancelledError", "timed out after 5s"]);
});

test("a signal that is asked for after the cancellation is aborted", async (t) => {
  const host = await startHost(
    t,
    `export default async (job) => {
       await job.childrenValues();
       return job.signal.aborted && job.signal.reason.message;
     };`,
  );
  const { call, answer } = host.begin({});
  host.answers.childrenValues = () => {
    host.notify("cancel", { call, reason: "stop" });
    return {};
  };
  assert.equal(await answer, "stop");
});

test("what a handler does after its end is not sent", async (t) => {
  const host = await startHost(
    t,
    `let left;
     export default async (job) => {
       if (left) return left();
       left = async () => {
         console.log("to stderr"); await job.log("x"); await job.progress(1);
         return job.childrenValues().catch((error) => error.message);
       };
     };`,
  );
  const first = host.begin({});
  await first.answer;
  assert.equal(await host.run({}), "childrenValues: the job is over");
  assert.deepEqual(host.logged(first.call), []);
  assert.equal(host.asked.length, 0);
});

test("what listens to the signal prints to the job's log", async (t) => {
  const host = await startHost(
    t,
    `export default ({ signal, log }) => new Promise((resolve) => {
       signal.addEventListener("abort", () => { console.log("stopping"); resolve("stopped"); });
       log("ready");
     });`,
  );
  const { call, answer } = host.begin({});
  await host.until(() => host.logged(call).length === 1);
  host.notify("cancel", { call, reason: "stop" });
  assert.equal(await answer, "stopped");
  assert.deepEqual(host.logged(call), ["ready", "stopping"]);
});

test("a job has the members that its types promise, and methods that can be replaced", async (t) => {
  const types = await readFile(new URL("../index.d.ts", import.meta.url), "utf8");
  const promised = ["Job", "JobOfBullMQ"].flatMap((name) => {
    const [, body] = new RegExp(`export interface ${name}<[^{]*{\n(.*?)\n}`, "s").exec(types);
    return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?(<:]/gm)].map(([, member]) => member);
  });
  assert.ok(promised.length > 40);
  const host = await startHost(
    t,
    `export default (job) => {
       job.log = () => "replaced";
       return [job.data.filter((name) => !(name in job)), job.log()];
     };`,
  );
  assert.deepEqual(await host.run(promised), [[], "replaced"]);
});
