import assert from "node:assert/strict";
import { test } from "node:test";
import * as bullmq from "bullmq";
import * as bullmqStandIn from "../bullmq.mjs";

const [installed, standIn] = [{ ...bullmq }, { ...bullmqStandIn }];
const errors = [
  "UnrecoverableError",
  "DelayedError",
  "WaitingChildrenError",
  "WaitingError",
  "RateLimitError",
];

for (const name of errors) {
  test(`${name} is as in npm bullmq`, () => {
    for (const args of [[], ["a reason"]]) {
      const [own, theirs] = [new standIn[name](...args), new installed[name](...args)];
      assert.deepEqual([own.name, own.message], [theirs.name, theirs.message]);
      assert.ok(own instanceof Error && own instanceof standIn[name]);
    }
  });
}

test("a worker's own rate limit error is one", () => {
  assert.equal(standIn.Worker.RateLimitError().name, installed.Worker.RateLimitError().name);
});

test("what needs the package says so", () => {
  for (const name of ["Queue", "QueueEvents", "FlowProducer", "Worker", "Job"]) {
    assert.equal(typeof installed[name], "function");
    assert.throws(() => new standIn[name]("q"), {
      message: `${name} needs npm bullmq: run "npm install bullmq" in the handler's folder; to add jobs, job.addJobs does without`,
    });
  }
});
