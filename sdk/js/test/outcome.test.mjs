import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startHost } from "../testenv/worker.mjs";

/** What a worker is asked for when the handler's code ends so; {} for an ordinary failure. */
const asked = {
  'throw new UnrecoverableError("x")': { unrecoverable: true },
  "throw new Fatal()": { unrecoverable: true },
  "throw new DelayError(1500)": { delay: 1500 },
  "job.delay(0)": { delay: 0 },
  "throw new WaitForChildrenError()": { waitForChildren: true },
  "job.waitForChildren()": { waitForChildren: true },
  "throw new ReleaseError()": { release: true },
  "job.release()": { release: true },
  "throw new RateLimitError(200)": { rateLimit: 200 },
  "job.rateLimit(200)": { rateLimit: 200 },
  "job.delay('soon')": {},
  "throw Object.assign(new Error('x'), { name: 'DelayError', delay: 7 })": { delay: 7 },
  "throw Object.assign(new Error('x'), { name: 'DelayError' })": {},
  "throw Object.assign(new Error('x'), { name: 'RateLimitError', rateLimit: 7 })": { rateLimit: 7 },
  'throw new Error("x")': {},
  "job.discard(); throw new Error('x')": { unrecoverable: true },
  "job.discard(); throw 'x'": { unrecoverable: true },
  "job.discard(); job.delay(5)": { delay: 5 },
  // npm bullmq's own classes.
  "throw new bull.UnrecoverableError('x')": { unrecoverable: true },
  "throw new BullFatal()": { unrecoverable: true },
  "throw Object.assign(new Error('x'), { name: 'UnrecoverableError' })": { unrecoverable: true },
  "throw Object.assign(new Error('x'), { name: 'UnrecoverableError2' })": { unrecoverable: true },
  "await job.moveToDelayed(1000, token); throw new bull.DelayedError()": { delay: 0 },
  "await job.moveToDelayed(1000, token)": { delay: 0 },
  "await job.moveToDelayed(1000, token); throw new Error('x')": {},
  "throw new bull.DelayedError()": {},
  "if (await job.moveToWaitingChildren(token)) throw new bull.WaitingChildrenError()": {
    waitForChildren: true,
  },
  "await job.moveToWaitingChildren(token)": { waitForChildren: true },
  "await job.moveToWait(token); throw new bull.WaitingError()": { release: true },
  "await job.moveToWait(token)": { release: true },
  "throw new bull.RateLimitError()": { release: true },
};

let host;
const endings = Object.keys(asked);
before(async (t) => {
  const bull = import.meta.resolve("bullmq");
  host = await startHost(
    t,
    `import { DelayError, RateLimitError, ReleaseError, UnrecoverableError, WaitForChildrenError } from "@jobrunner/handler";
     import * as bull from ${JSON.stringify(bull)};
     class Fatal extends UnrecoverableError { name = "Fatal"; }
     class BullFatal extends bull.UnrecoverableError { constructor() { super("x"); this.name = "BullFatal"; } }
     const endings = [${endings.map((code) => `async (job, token) => { ${code} }`).join(",\n")}];
     export default (job, token) => endings[job.data](job, token);`,
  );
  host.answers.dependencies = () => ({ processed: 0, unprocessed: 2, ignored: 0, failed: 0 });
});

for (const [index, code] of endings.entries()) {
  test(`${code} asks for ${JSON.stringify(asked[code])}`, async () => {
    await assert.rejects(host.run(index), ({ code, data: { name, stack, ...rest } }) => {
      assert.equal(code, -32000);
      assert.equal(typeof name, "string");
      assert.deepEqual(rest, asked[endings[index]]);
      return true;
    });
  });
}

test("a delay until a time is counted from now", async (t) => {
  const later = await startHost(t, "export default (job) => job.moveToDelayed(Date.now() + 60_000);");
  await assert.rejects(later.run(0), ({ data }) => data.delay > 50_000 && data.delay <= 60_000);
});

test("without children to wait for, the job goes on", async (t) => {
  const alone = await startHost(t, "export default (job) => job.moveToWaitingChildren(job.token);");
  alone.answers.dependencies = () => ({ processed: 2, unprocessed: 0, ignored: 0, failed: 0 });
  assert.equal(await alone.run(0), false);
});
