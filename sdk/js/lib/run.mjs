import { AsyncLocalStorage } from "node:async_hooks";
import { encode } from "./encode.mjs";
import { CancelledError } from "./errors.mjs";
import { Job } from "./job.mjs";
import { movedOutcome, outcomeOf } from "./outcome.mjs";
import { Output } from "./output.mjs";

/** The code of an error that came from the handler, not from the connection. */
export const codeThrown = -32000;

const owners = new AsyncLocalStorage();

/** The run that the calling code belongs to, be it over or not; undefined for the module's own code. */
export function owner() {
  return owners.getStore();
}

/** One attempt of one job. */
export class Run {
  settled = false;
  /** What the handler did by one of BullMQ's job.moveTo…: { to: "delay", timestamp } or another word of the protocol. */
  moved;
  /** Set by job.discard(): whatever is thrown, the job gets no further attempt. */
  discarded = false;
  #peer;
  #id;
  #maxBytes;
  #onSettled;
  #controller;
  #cancelled;
  #output;

  constructor(peer, id, maxBytes, onSettled) {
    this.#peer = peer;
    this.#id = id;
    this.#maxBytes = maxBytes;
    this.#onSettled = onSettled;
  }

  /** Runs the handler, and answers the request when it is through. */
  start(handler, job) {
    owners.run(this, attempt, this, handler, job);
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal() {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort(this.#cancelled);
    }
    return this.#controller.signal;
  }

  cancel(reason) {
    this.#cancelled = new CancelledError(reason);
    // What listens to the signal is part of the run.
    owners.run(this, () => this.#controller?.abort(this.#cancelled));
  }

  succeed(result) {
    if (this.moved) {
      if (this.#settle()) this.#answer(movedOutcome(this.moved));
      return;
    }
    const text = this.encode("result", result);
    if (this.#settle()) this.#peer.reply(this.#id, text);
  }

  /** Fails the job, unless it is through already. */
  fail(error) {
    if (this.#settle()) this.#answer(outcomeOf(error, this));
  }

  /** Takes what the handler writes to the console into the job's log, line by line. */
  write(text) {
    this.#lines.write(text);
  }

  async log(line) {
    if (this.settled) return;
    this.#lines.line(String(line));
    await this.#peer.flushed();
  }

  async progress(value) {
    if (this.settled) return;
    this.#peer.notify("progress", `{"call":${this.#id},"value":${this.encode("progress", value)}}`);
    await this.#peer.flushed();
  }

  /** Asks the worker for something that concerns this job. Member is a further one of the parameters. */
  async ask(method, member, value) {
    if (this.settled) throw new Error(`${method}: the job is over`);
    const more = member ? `,"${member}":${value}` : "";
    const { result, error } = await this.#peer.request(method, `{"call":${this.#id}${more}}`);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Writes a value as JSON that fits into a message. */
  encode(what, value, maxBytes = this.#maxBytes) {
    return encode(what, value, Math.min(maxBytes, this.#maxBytes));
  }

  get #lines() {
    this.#output ??= new Output((line) => {
      this.#peer.notify("log", `{"call":${this.#id},"line":${JSON.stringify(line)}}`);
    });
    return this.#output;
  }

  #answer(outcome) {
    this.#peer.replyError(this.#id, { code: codeThrown, ...outcome });
  }

  #settle() {
    if (this.settled) return false;
    this.#output?.end();
    this.settled = true;
    this.#onSettled(this.#id);
    return true;
  }
}

async function attempt(run, handler, job) {
  try {
    run.succeed(await handler.run(new Job(run, job)));
  } catch (error) {
    run.fail(error);
  }
}
