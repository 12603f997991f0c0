import { AsyncLocalStorage } from "node:async_hooks";
import { CancelledError, DelayError } from "../index.mjs";
import { describeError } from "./errors.mjs";

const codeThrown = -32000;
const maxLogLine = 64 * 1024;

const current = new AsyncLocalStorage();

/** The run that the calling code belongs to, if it belongs to one that goes on. */
export function currentRun() {
  const run = current.getStore();
  return run && !run.settled ? run : undefined;
}

/** One attempt of one job. */
export class Run {
  settled = false;
  #peer;
  #id;
  #maxResultBytes;
  #controller = new AbortController();
  #onSettled;
  #partial = "";

  constructor(peer, id, maxResultBytes, onSettled) {
    this.#peer = peer;
    this.#id = id;
    this.#maxResultBytes = maxResultBytes;
    this.#onSettled = onSettled;
  }

  /** Runs the handler, and answers the request when it is through. */
  async start(handler, job) {
    try {
      this.#succeed(await current.run(this, () => handler.run(this.#view(job))));
    } catch (error) {
      this.fail(error);
    }
  }

  cancel(reason) {
    this.#controller.abort(new CancelledError(reason));
  }

  /** Fails the job, unless it is through already. */
  fail(error) {
    if (!this.#settle()) return;
    this.#peer.replyError(this.#id, { code: codeThrown, ...describeError(error) });
  }

  /** Takes what the handler writes to the console into the job's log, line by line. */
  write(text) {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop().slice(0, maxLogLine);
    for (const line of lines) this.#log(line);
  }

  #log(line) {
    this.#peer.notify("log", { call: this.#id, line: String(line).slice(0, maxLogLine) });
  }

  #settle() {
    if (this.settled) return false;
    if (this.#partial !== "") this.#log(this.#partial);
    this.settled = true;
    this.#onSettled();
    return true;
  }

  #succeed(result) {
    let text;
    try {
      text = result === undefined ? "null" : JSON.stringify(result);
    } catch (error) {
      throw new TypeError(`the result is not JSON: ${error.message}`);
    }
    if (text === undefined) throw new TypeError(`the result is not JSON: it is a ${typeof result}`);
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#maxResultBytes) {
      throw new RangeError(
        `the result has ${bytes} bytes as JSON, more than the ${this.#maxResultBytes} allowed; store it elsewhere and return where`,
      );
    }
    if (this.#settle()) this.#peer.replyText(this.#id, text);
  }

  /** The job as the handler sees it. Its methods are closures, so that they can be taken out of it. */
  #view(job) {
    const unlessSettled = (action) => {
      if (!this.settled) action();
    };
    const progress = async (value) =>
      unlessSettled(() => this.#peer.notify("progress", { call: this.#id, value: value ?? null }));
    const log = async (line) => unlessSettled(() => this.#log(line));
    const childrenValues = () => this.#peer.request("childrenValues", { call: this.#id });
    return {
      ...job,
      queueName: job.queue,
      attemptsMade: job.attempt - 1,
      signal: this.#controller.signal,
      progress,
      updateProgress: progress,
      log,
      childrenValues,
      getChildrenValues: childrenValues,
      delay(milliseconds) {
        throw new DelayError(milliseconds);
      },
    };
  }
}
