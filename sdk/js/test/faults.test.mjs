import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startHost } from "../testenv/worker.mjs";

const module = `
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";

class OutOfPaper extends Error { name = "OutOfPaper"; }
const later = (action) => new Promise(() => { setTimeout(action, 1); });
let kept;

const faults = {
  fine: () => "fine",
  throws: () => { throw new OutOfPaper("no paper left"); },
  rejects: () => Promise.reject(new OutOfPaper("no paper left")),
  throwsText: () => { throw "just text"; },
  throwsNothing: () => { throw undefined; },
  throwsObject: () => { throw { code: 5 }; },
  throwsProxy: () => { throw new Proxy({}, { get() { throw new Error("no entry"); } }); },
  throwsLong: () => { throw new Error("x".repeat(10 << 20)); },
  throwsCause: () => { throw new Error("top", { cause: new OutOfPaper("below") }); },
  throwsMany: () => Promise.any([Promise.reject(new OutOfPaper("one of them"))]),
  exits: () => process.exit(3),
  rejectsLater: () => later(() => { Promise.reject(new OutOfPaper("too late")); }),
  throwsLater: () => later(() => { throw new OutOfPaper("in a timer"); }),
  exitsLater: () => later(() => process.exit(0)),
  circular: () => { const o = {}; o.o = o; return o; },
  bigint: () => ({ rows: [{ id: 1 }, { "a b": { id: 1n } }] }),
  bareBigint: () => 1n,
  function: () => () => 0,
  toJSON: () => ({ toJSON() { throw new OutOfPaper("in toJSON"); } }),
  undefined: () => undefined,
  nan: () => [Number.NaN, new Date(0), undefined],
  large: () => "x".repeat(100 << 20),
  tooLong: () => Array.from({ length: 600 }, () => "x".repeat(1 << 20)),
  largeProgress: (job) => job.progress("x".repeat(2 << 20)),
  never: () => new Promise(() => {}),
  stops: (job) => new Promise((_, reject) => job.signal.addEventListener("abort", () => reject(job.signal.reason))),
  prints: () => {
    console.log("one", { two: 2 }); console.error("three"); process.stdout.write("fo"); process.stdout.write("ur\\nfive");
    process.stderr.write(Buffer.from("\\nsix\\n")); process.stdout.write("c2V2ZW4=", "base64");
  },
  printsMuch: () => { for (let n = 0; n < 50_000; n++) console.log("line", n); },
  printsLong: () => { process.stdout.write("y".repeat(1 << 20)); },
  rubbish: () => { writeSync(1, 'rubbish\\n{"jsonrpc":"1.0"}\\nhalf a li'); return "fine"; },
  readsInput: async () => { let text = ""; for await (const chunk of process.stdin) text += chunk; return text; },
  inherits: () => spawnSync("sh", ["-c", "cat; echo from below"], { stdio: "inherit" }).status,
  leavesRejection: () => { setTimeout(() => { Promise.reject(new OutOfPaper("left behind")); }, 5); return "left"; },
  leavesExit: () => { setTimeout(() => { try { process.exit(1); } catch {} }, 5); return "left"; },
  keeps: (job) => { kept = job; },
};
export default (job) => faults[job.data](job);
`;

let host;
before(async (t) => {
  host = await startHost(t, module);
});

const failures = {
  throws: ["OutOfPaper", "no paper left"],
  rejects: ["OutOfPaper", "no paper left"],
  throwsText: ["Error", "just text"],
  throwsNothing: ["Error", "a value was thrown: undefined"],
  throwsObject: ["Error", "a value was thrown: { code: 5 }"],
  throwsProxy: ["Error", "a value was thrown that cannot be described: no entry"],
  throwsLong: ["Error", "x".repeat(64 * 1024)],
  exits: ["Error", "the handler called process.exit(3); throw an error to fail the job"],
  exitsLater: ["Error", "the handler called process.exit(0); throw an error to fail the job"],
  rejectsLater: ["OutOfPaper", "too late"],
  throwsLater: ["OutOfPaper", "in a timer"],
  bigint: [
    "TypeError",
    'the result is not JSON: Do not know how to serialize a BigInt, at result.rows[1]["a b"].id; use String() or Number()',
  ],
  bareBigint: [
    "TypeError",
    "the result is not JSON: Do not know how to serialize a BigInt, at result; use String() or Number()",
  ],
  function: ["TypeError", "the result is not JSON: it is a function"],
  toJSON: ["TypeError", "the result is not JSON: in toJSON"],
  large: [
    "RangeError",
    "the result has 104857602 bytes as JSON, more than the 1048576 allowed; store it elsewhere and pass on where",
  ],
  tooLong: ["TypeError", "the result is not JSON: it is too large or too deep"],
  largeProgress: [
    "RangeError",
    "the progress has 2097154 bytes as JSON, more than the 1048576 allowed; store it elsewhere and pass on where",
  ],
};

for (const [fault, [name, message]] of Object.entries(failures)) {
  test(`${fault}: the job fails and says why, beside others that go on`, async (t) => {
    const own = await startHost(t, module);
    const beside = [own.begin("stops"), own.begin("stops")];
    await assert.rejects(own.run(fault), (error) => {
      assert.deepEqual([error.data.name, error.message], [name, message]);
      return true;
    });
    for (const { call, answer } of beside) {
      own.notify("cancel", { call, reason: "enough" });
      await assert.rejects(answer, { message: "enough" });
    }
    assert.equal(await own.run("fine"), "fine");
  });
}

test("a circular result names the circle", async () => {
  await assert.rejects(
    host.run("circular"),
    /the result is not JSON: Converting circular.*property 'o' closes/,
  );
});

test("an error's stack has its causes and its parts", async () => {
  await assert.rejects(host.run("throwsCause"), ({ data }) =>
    /Caused by: OutOfPaper: below/.test(data.stack),
  );
  await assert.rejects(host.run("throwsMany"), ({ data }) =>
    /One of its errors: OutOfPaper/.test(data.stack),
  );
});

test("values that JSON knows otherwise become what JSON.stringify makes of them", async () => {
  assert.equal(await host.run("undefined"), null);
  assert.deepEqual(await host.run("nan"), [null, "1970-01-01T00:00:00.000Z", null]);
});

test("what a handler prints is its job's log", async () => {
  const { call, answer } = host.begin("prints");
  await answer;
  assert.deepEqual(host.logged(call), ["one { two: 2 }", "three", "four", "five", "six", "seven"]);
});

test("two jobs that print at once keep their lines apart", async (t) => {
  const own = await startHost(
    t,
    `export default async (job) => {
       for (let n = 0; n < 3; n++) { await new Promise(setImmediate); console.log(job.data, n); }
     };`,
  );
  const jobs = ["a", "b"].map((name) => ({ name, ...own.begin(name) }));
  for (const { name, call, answer } of jobs) {
    await answer;
    assert.deepEqual(own.logged(call), [`${name} 0`, `${name} 1`, `${name} 2`]);
  }
});

test("a flood of lines is cut after as many as the worker keeps", async () => {
  const { call, answer } = host.begin("printsMuch");
  await answer;
  assert.equal(host.logged(call).length, 10_001);
});

test("a line of any length is cut", async () => {
  const { call, answer } = host.begin("printsLong");
  await answer;
  assert.deepEqual(host.logged(call), ["y".repeat(64 * 1024)]);
});

test("what is written past the host does not break the connection", async () => {
  assert.equal(await host.run("rubbish"), "fine");
  assert.equal(await host.run("fine"), "fine");
  assert.ok(host.rubbish.includes("rubbish") && host.rubbish.includes("half a li"));
});

test("stdin is empty for handlers, and the connection's own", async () => {
  assert.equal(await host.run("readsInput"), "");
  assert.equal(await host.run("fine"), "fine");
});

test("programs that a handler starts do not get at the connection", async () => {
  assert.equal(await host.run("inherits"), 0);
  assert.equal(await host.run("fine"), "fine");
});

test("errors that a job leaves behind are not another job's", async (t) => {
  const own = await startHost(t, module);
  const { call, answer } = own.begin("stops");
  assert.equal(await own.run("leavesRejection"), "left");
  await own.until(() => own.stderr.includes("left behind"));
  assert.equal(await own.run("leavesExit"), "left");
  own.notify("cancel", { call, reason: "enough" });
  await assert.rejects(answer, { message: "enough" });
  assert.equal(await own.run("fine"), "fine");
});

test("after an exception that nobody caught the host asks to be replaced", async (t) => {
  const own = await startHost(t, module);
  await assert.rejects(own.run("throwsLater"), { message: "in a timer" });
  await own.until(() => own.notes.some(({ method }) => method === "retire"));
  const { reason } = own.notes.find(({ method }) => method === "retire");
  assert.equal(reason, "an exception was not caught: in a timer");
  assert.equal(await own.run("fine"), "fine");
});

test("a handler that ignores its signal does not hold up the connection", async (t) => {
  const own = await startHost(t, module);
  const { call } = own.begin("never");
  own.notify("cancel", { call, reason: "timed out" });
  assert.equal(await own.request("ping", {}), null);
});

test("an unknown handler, an unknown method and the end of stdin", async (t) => {
  const own = await startHost(t, module);
  await assert.rejects(own.run("fine", { handler: "gone" }), { message: "the module has no handler gone" });
  await assert.rejects(own.request("dance", {}), { code: -32601, message: "no such method: dance" });
  own.notify("dance", {});
  own.begin("never");
  assert.equal(await own.end(), 0);
});

test("messages may come in any pieces, of any size", async (t) => {
  const own = await startHost(t, "export default (job) => job.data;", { maxResultBytes: 5 << 20 });
  const params = { handler: "module", job: { data: { text: "é€😀" } } };
  for (const size of [1, 2, 3, 50]) {
    assert.deepEqual(await own.requestInPieces("execute", params, size), params.job.data);
  }
  const data = { text: "é€😀".repeat(200_000) };
  assert.deepEqual(await own.run(data), data);
});

test("a stack ends where the host called the handler", async () => {
  await assert.rejects(host.run("throws"), ({ data }) => {
    assert.match(
      data.stack,
      /^OutOfPaper: no paper left\n {4}at Object\.throws .*module\.mjs:11:\d+\)\n.*default \(.*\)$/,
    );
    return true;
  });
});
