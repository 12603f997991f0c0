// Runs the steps of scenarios on npm bullmq, driven over stdin and stdout.
//
// A request is one line of JSON: {id, prefix, now, step} runs a step at a frozen
// time, {id, prefix, end: true} ends a scenario. The answer is one line, {id,
// result} or {id, error: {name, message, code}}. Scenarios of different prefixes
// run at the same time. The process ends with its stdin.
import { createInterface } from "node:readline";
import { Job } from "bullmq";
import { Redis } from "ioredis";
import { at } from "./clock.mjs";
import { operations } from "./operations.mjs";
import { Session } from "./session.mjs";

const connection = new Redis(process.argv[2], { maxRetriesPerRequest: null });
connection.setMaxListeners(0);
console.warn = () => {}; // the library's advice is no answer of a step

const sessions = new Map();

const jobFields = [
  ...["id", "name", "data", "opts", "timestamp", "delay", "priority", "progress", "returnvalue"],
  ...["failedReason", "stacktrace", "attemptsMade", "attemptsStarted", "stalledCounter", "processedOn"],
  ...[
    "finishedOn",
    "processedBy",
    "parentKey",
    "parent",
    "repeatJobKey",
    "deduplicationId",
    "deferredFailure",
  ],
];

/** Makes plain JSON of what an operation returned. */
function describe(value) {
  if (value instanceof Job) return Object.fromEntries(jobFields.map((name) => [name, value[name]]));
  if (Array.isArray(value)) return value.map(describe);
  if (value?.job instanceof Job) {
    return { job: describe(value.job), ...(value.children && { children: describe(value.children) }) };
  }
  return value ?? null;
}

async function run({ prefix, now, step, end }) {
  if (!sessions.has(prefix)) sessions.set(prefix, new Session(connection, prefix));
  const session = sessions.get(prefix);
  if (end) {
    sessions.delete(prefix);
    await session.close();
    return null;
  }
  const operation = operations[step.op];
  if (!operation) throw new Error(`unknown operation ${step.op}`);
  return at(now, async () => describe(await operation(session, step)));
}

async function answer({ id, ...request }) {
  try {
    return { id, result: await run(request) };
  } catch (error) {
    return { id, error: { name: error.name, message: error.message, code: error.code } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  answer(JSON.parse(line)).then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`));
}
process.exit(0);
