import { currentRun } from "./run.mjs";

/**
 * Keeps what handlers do to the process from reaching beyond their own job:
 * output goes to the job's log or to stderr, for stdout is the connection;
 * process.exit and errors that nobody catches fail the job they belong to.
 */
export function guardProcess({ runs, onDamaged }) {
  const writeErr = process.stderr.write.bind(process.stderr);
  const write = (chunk, encoding, callback) => {
    const run = currentRun();
    if (run) run.write(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    else writeErr(chunk);
    const done = typeof encoding === "function" ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
  process.stdout.write = write;
  process.stderr.write = write;

  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const run = currentRun();
    if (!run) return exit(code);
    const error = new Error(`the handler called process.exit(${code ?? ""})`);
    run.fail(error);
    throw error;
  };

  const blame = (error) => {
    const run = currentRun() ?? (runs.size === 1 ? runs.values().next().value : undefined);
    if (run) run.fail(error);
    else writeErr(`${error?.stack ?? error}\n`);
  };
  process.on("unhandledRejection", blame);
  process.on("uncaughtException", (error) => {
    blame(error);
    onDamaged(`an exception was not caught: ${error?.message ?? error}`);
  });
}
