import assert from "node:assert/strict";
import { test } from "node:test";
import { defineHandler } from "../index.mjs";
import { openHost, startHost } from "../testenv/worker.mjs";

const run = () => 1;

test("a sound definition is returned as it is", () => {
  const definition = {
    name: "mail",
    version: "1.0.0",
    schema: true,
    resultSchema: { type: "object" },
    defaults: { attempts: 1, timeout: 0, concurrency: 0, backoff: { type: "fixed", delay: 5, jitter: 0.5 } },
    run,
    helper: 5,
    names: ["a member of the author's own"],
  };
  assert.equal(defineHandler(definition), definition);
  assert.ok(defineHandler({ run }));
});

const refused = {
  "takes an object { name, run(job) }, not undefined": undefined,
  "takes an object { name, run(job) }, not a list": [],
  "takes an object { name, run(job) }, not a function": run,
  "name must be text, not 5": { name: 5, run },
  "name must not be empty": { name: "", run },
  "author must be text, not an object": { author: { name: "Ada" }, run },
  "run must be a function run(job), not undefined": { name: "x" },
  'run must be a function run(job), not "later"': { run: "later" },
  'schema must be a JSON Schema, which is an object, not "object"': { schema: "object", run },
  "resultSchema must be a JSON Schema, which is an object, not a list": { resultSchema: [], run },
  'keepAlive must be true or false, not "yes"': { keepAlive: "yes", run },
  "defaults must be an object, not 3": { defaults: 3, run },
  "defaults.attempts must be a whole number, at least 1, not 0": { defaults: { attempts: 0 }, run },
  'defaults.timeout must be a whole number of milliseconds, at least 0, not "5s"': {
    defaults: { timeout: "5s" },
    run,
  },
  "defaults.concurrency must be a whole number, at least 0, not 1.5": { defaults: { concurrency: 1.5 }, run },
  'defaults.backoff must be { type, delay }, not "fixed"': { defaults: { backoff: "fixed" }, run },
  'defaults.backoff.type must be "fixed" or "exponential", not "linear"': {
    defaults: { backoff: { type: "linear" } },
    run,
  },
  "defaults.backoff.delay must be a whole number of milliseconds, at least 0, not -1": {
    defaults: { backoff: { type: "fixed", delay: -1 } },
    run,
  },
  "defaults.backoff.jitter must be a number from 0 to 1, not 2": {
    defaults: { backoff: { type: "fixed", jitter: 2 } },
    run,
  },
  "descripton is not known; did you mean description?": { descripton: "x", run },
  "resultschema is not known; did you mean resultSchema?": { resultschema: {}, run },
  "shcema is not known; did you mean schema?": { shcema: {}, run },
  "defaults.attempt is not known; did you mean defaults.attempts?": { defaults: { attempt: 3 }, run },
  "defaults.retries is not known; there are attempts, backoff, timeout, concurrency": {
    defaults: { retries: 3 },
    run,
  },
};

for (const [message, definition] of Object.entries(refused)) {
  test(`refused: ${message}`, () => {
    assert.throws(() => defineHandler(definition), {
      name: "TypeError",
      message: `defineHandler: ${message}`,
    });
  });
}

test("definitions are checked without defineHandler too", async (t) => {
  const host = await openHost(t, `export default { name: "x", defaults: { timeout: "1s" }, run: () => 1 };`);
  await assert.rejects(
    host.loaded,
    /^.*handler "x": defaults\.timeout must be a whole number of milliseconds/,
  );
});

test("the place of a mistake is named", async (t) => {
  const host = await openHost(
    t,
    `import { defineHandler } from "@jobrunner/handler";
     export default defineHandler({
       name: 5, run: () => 1 });`,
  );
  await assert.rejects(host.loaded, ({ message, data }) => {
    assert.equal(message, "defineHandler: name must be text, not 5");
    assert.match(data.file, /module\.mjs$/);
    assert.equal(data.line, 2);
    assert.match(data.frame, /export default defineHandler/);
    return true;
  });
});

test("a handler is described", async (t) => {
  const host = await startHost(
    t,
    `import { defineHandler } from "@jobrunner/handler";
     export default defineHandler({ name: "mail", version: "1.2.0", description: "d", author: "Ada", schema: { type: "object" },
       resultSchema: { type: "string" }, defaults: { attempts: 2, concurrency: 4 }, keepAlive: true, run: () => 1 });`,
  );
  assert.deepEqual(await host.loaded, {
    protocol: 2,
    dependencies: [],
    handlers: [
      {
        name: "mail",
        version: "1.2.0",
        description: "d",
        author: "Ada",
        dataSchema: { type: "object" },
        resultSchema: { type: "string" },
        defaults: { attempts: 2, concurrency: 4 },
        keepAlive: true,
      },
    ],
  });
});

const shapes = {
  "a function, named by its file": ["export default (job) => job.data + 1;", "module"],
  "the older shape": [
    `export default { name: "old", description: "d", version: "1.0.0", author: "a", data: { n: 1 },
       async execute(job) { return this.add(job); }, add: (job) => job.data + 1 };`,
    "old",
  ],
  "several of them": [
    `export const other = { name: "other", run: () => 0 };
     export default [{ name: "a", run: () => 0 }, { name: "plus", run: (job) => job.data + 1 }];`,
    "plus",
  ],
  registerHandlers: [
    `export async function registerHandlers(registry) {
       registry.registerHandler({ name: "one", execute: async (job) => job.data + 1 });
       registry.registerHandler({ name: "two", execute: () => 0 });
     }`,
    "one",
  ],
  "a class instance": [
    `class Adder { name = "adder"; #by = 1; execute(job) { return job.data + this.#by; } }
     export default new Adder();`,
    "adder",
  ],
  "a processor of npm bullmq": [
    `export default async (job, token, signal) => job.data + (signal.aborted ? 0 : 1) * (token === job.token);`,
    "module",
  ],
};

for (const [name, [text, handler]] of Object.entries(shapes)) {
  test(`a module may export ${name}`, async (t) => {
    const host = await startHost(t, text);
    assert.equal(await host.run(41, { handler }), 42);
  });
}

test("what cannot be loaded says why", async (t) => {
  const cases = {
    "export const x = 1;": /the module exports no handler; write: export default defineHandler/,
    'export default [{ name: "a", run: () => 1 }, { name: "a", run: () => 2 }];': /two handlers named "a"/,
    "export const registerHandlers = (r) => r.registerHandler({ execute: 5 });": /registerHandler takes/,
    "null.x;": /Cannot read properties of null/,
  };
  for (const [text, want] of Object.entries(cases)) {
    const host = await openHost(t, text);
    await assert.rejects(host.loaded, want);
  }
  const old = await openHost(t, "export default () => 1;", { protocol: 1 });
  await assert.rejects(old.loaded, /the host speaks protocol 2 and the worker 1/);
});

test("a module that ends the process while it loads does so", async (t) => {
  const host = await openHost(t, "process.exit(4);");
  assert.equal(await host.exited, 4);
});

test("the older shape's data is a schema, or an example that binds nobody", async (t) => {
  const examples = {
    '{ type: "object", required: ["a"] }': true,
    '{ type: ["object", "null"] }': true,
    "{ properties: { a: {} } }": true,
    '{ $schema: "https://json-schema.org/draft/2020-12/schema" }': true,
    '{ type: "base64", image: "…" }': false,
    "{ type: { id: 5 } }": false,
    '{ properties: 5, name: "x" }': false,
    '"text"': false,
    null: false,
  };
  const handlers = Object.keys(examples).map((data, n) => `{ name: "h${n}", data: ${data}, execute() {} }`);
  const host = await startHost(t, `export default [${handlers.join(",")}];`);
  const { handlers: described } = await host.loaded;
  assert.deepEqual(
    described.map(({ dataSchema }) => dataSchema !== undefined),
    Object.values(examples),
  );
});
