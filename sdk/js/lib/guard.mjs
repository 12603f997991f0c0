import { Readable } from "node:stream";
import { guardChildren } from "./children.mjs";
import { owner } from "./run.mjs";

/**
 * Keeps what handlers do to the process from reaching beyond their own job. Stdin
 * and stdout are the connection: a handler finds an empty stdin, and what it writes
 * goes to the job's log, or to stderr outside of jobs. process.exit and errors that
 * nobody catches fail the job they belong to.
 */
export function guardProcess({ runs, onDamaged }) {
  Object.defineProperty(process, "stdin", { value: Readable.from([]), configurable: true });
  const writeErr = process.stderr.write.bind(process.stderr);
  guardOutput(writeErr);
  guardChildren();
  guardExit();
  guardErrors(runs, writeErr, onDamaged);
}

function guardOutput(writeErr) {
  const write = (chunk, encoding, callback) => {
    const run = owner();
    if (run && !run.settled) run.write(textOf(chunk, encoding));
    else writeErr(chunk);
    const done = typeof encoding === "function" ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
  process.stdout.write = write;
  process.stderr.write = write;
}

function textOf(chunk, encoding) {
  if (typeof chunk !== "string") return Buffer.from(chunk).toString();
  const isText = typeof encoding !== "string" || encoding === "utf8" || encoding === "utf-8";
  return isText ? chunk : Buffer.from(chunk, encoding).toString();
}

function guardExit() {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const run = owner();
    if (!run) return exit(code);
    // Thrown as well, so that the handler ends where it stands.
    const error = new Error(`the handler called process.exit(${code ?? ""}); throw an error to fail the job`);
    run.fail(error);
    throw error;
  };
}

function guardErrors(runs, writeErr, onDamaged) {
  const blame = (error) => {
    // The module's own code may break the one job that runs, for lack of another suspect.
    const run = owner() ?? (runs.size === 1 ? runs.values().next().value : undefined);
    if (run && !run.settled) run.fail(error);
    else writeErr(`${error?.stack ?? error}\n`);
  };
  process.on("unhandledRejection", blame);
  process.on("uncaughtException", (error) => {
    blame(error);
    onDamaged(`an exception was not caught: ${error?.message ?? error}`);
  });
}
