// What the worker is told of an attempt that did not end with a result.

import { inspect } from "node:util";

const maxName = 200;
const maxText = 64 * 1024;
const maxCauses = 5;
/** The frames of the host itself, which tell an author nothing. */
const own = new URL(".", import.meta.url).href;

/**
 * The answer { message, data } for anything that was thrown by a run: it knows
 * what was asked for by BullMQ's job.moveTo… and job.discard().
 */
export function outcomeOf(thrown, { moved, discarded } = {}) {
  try {
    return describe(thrown, moved, discarded);
  } catch (error) {
    // Getters and proxies may throw on their own.
    const message = `a value was thrown that cannot be described: ${error?.message ?? typeof error}`;
    return { message: message.slice(0, maxText), data: { name: "Error" } };
  }
}

/** The answer for a handler that has moved its job as BullMQ lets it, and then just returned. */
export function movedOutcome(moved) {
  return { message: "the handler has moved its job", data: { name: "Error", ...asksOfMove(moved) } };
}

function asksOfMove({ to, timestamp }) {
  return to === "delay" ? { delay: Math.max(0, timestamp - Date.now()) } : { [to]: true };
}

function describe(thrown, moved, discarded) {
  if (!(thrown instanceof Error) && typeof thrown?.message !== "string") {
    const text = typeof thrown === "string" ? thrown : `a value was thrown: ${inspect(thrown)}`;
    return { message: text.slice(0, maxText), data: discarded ? unrecoverable : { name: "Error" } };
  }
  const data = {
    name: nameOf(thrown.name).slice(0, maxName),
    stack: stackOf(thrown),
    ...meaningOf(thrown, moved),
  };
  if (discarded && !putsBack(data)) data.unrecoverable = true;
  return { message: String(thrown.message).slice(0, maxText), data };
}

const unrecoverable = { name: "Error", unrecoverable: true };

function putsBack({ delay, waitForChildren, release, rateLimit }) {
  return delay !== undefined || waitForChildren || release || rateLimit !== undefined;
}

/** What errors ask for, those of this package and those of npm bullmq. */
const meanings = {
  UnrecoverableError: () => ({ unrecoverable: true }),
  DelayError: ({ delay }) => (isTime(delay) ? { delay } : undefined),
  WaitForChildrenError: () => ({ waitForChildren: true }),
  ReleaseError: () => ({ release: true }),
  // Whoever throws BullMQ's own has told the queue for how long.
  RateLimitError: ({ rateLimit }) => (isTime(rateLimit) ? { rateLimit } : { release: true }),
  // Without a time the job cannot be put back: it fails, as with any other error.
  DelayedError: (_error, moved) => (moved?.to === "delay" ? asksOfMove(moved) : undefined),
  WaitingChildrenError: () => ({ waitForChildren: true }),
  WaitingError: () => ({ release: true }),
};

/**
 * They are known by name, that of the error or of a class that it extends, for each
 * bundle and program has copies of its own.
 */
function meaningOf(thrown, moved) {
  for (const name of namesOf(thrown)) {
    if (Object.hasOwn(meanings, name)) return meanings[name](thrown, moved);
  }
  return undefined;
}

function* namesOf(thrown) {
  yield nameOf(thrown.name);
  for (let proto = Object.getPrototypeOf(thrown); proto; proto = Object.getPrototypeOf(proto)) {
    yield nameOf(proto.constructor?.name);
  }
}

/** A bundler tells classes of one name apart by a number, which some errors then have in their name. */
function nameOf(name) {
  const text = String(name || "Error");
  const plain = text.replace(/\d+$/, "");
  return Object.hasOwn(meanings, plain) ? plain : text;
}

function isTime(value) {
  return Number.isFinite(value) && value >= 0;
}

function stackOf(error) {
  let stack = authorsPart(error);
  let { cause } = error;
  for (let depth = 0; cause instanceof Error && depth < maxCauses; depth += 1) {
    stack += `\nCaused by: ${authorsPart(cause)}`;
    cause = cause.cause;
  }
  for (const one of error instanceof AggregateError ? error.errors.slice(0, maxCauses) : []) {
    stack += `\nOne of its errors: ${one instanceof Error ? authorsPart(one) : inspect(one)}`;
  }
  return stack.slice(0, maxText);
}

/** An error's stack without the host's frames: those above the handler, and those that called it. */
function authorsPart(error) {
  const lines = String(error.stack ?? "").split("\n");
  const isOwn = (line) => line.startsWith("    at ") && line.includes(own);
  const isFrame = (line) =>
    line.startsWith("    at ") && !line.includes(own) && !line.includes("node:internal/");
  const first = lines.findIndex(isFrame);
  const end = lines.findIndex((line, index) => index > first && isOwn(line));
  return (first < 0 || end < 0 ? lines : lines.slice(0, end)).filter((line) => !isOwn(line)).join("\n");
}
