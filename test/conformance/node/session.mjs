// The objects of the library that the steps of one scenario share.
import { createRedisBackend, FlowProducer, Job, Queue, QueueEventsProducer, Worker } from "bullmq";

export class Session {
  #objects = new Map();

  constructor(connection, prefix) {
    this.connection = connection;
    this.prefix = prefix;
  }

  /** Returns the object that make gives for the key, made once. */
  #once(key, make) {
    if (!this.#objects.has(key)) {
      const object = make();
      object.on("error", () => {}); // what a step meets is its answer
      this.#objects.set(key, object);
    }
    return this.#objects.get(key);
  }

  /** A queue that leaves the metadata to the scripts, so that these are compared. */
  queue(step, options = {}) {
    const opts = { connection: this.connection, prefix: this.prefix, skipMetasUpdate: true, ...options };
    const given = { ...step.queueOptions, ...options };
    return this.#once(`queue ${step.queue} ${JSON.stringify(given)}`, () => {
      return new Queue(step.queue, { ...step.queueOptions, ...opts });
    });
  }

  /** A worker that does nothing by itself, on the session's one connection. */
  worker(step) {
    const opts = { connection: this.connection, prefix: this.prefix, autorun: false, ...workerOptions(step) };
    const worker = this.#once(`worker ${step.queue} ${JSON.stringify(step.worker ?? {})}`, () => {
      return new Worker(step.queue, null, opts, (name, o) => createRedisBackend(name, o));
    });
    // What the worker has seen so far must not keep it from asking.
    worker.limitUntil = 0;
    worker.drained = false;
    return worker;
  }

  flows() {
    const opts = { connection: this.connection, prefix: this.prefix };
    return this.#once("flows", () => new FlowProducer(opts));
  }

  events(step) {
    const opts = { connection: this.connection, prefix: this.prefix };
    return this.#once(`events ${step.queue}`, () => new QueueEventsProducer(step.queue, opts));
  }

  /** The stored job; one that does not exist can still be acted on. */
  async job(step, owner = this.queue(step)) {
    return (await Job.fromId(owner, step.id)) ?? new Job(owner, "missing", {}, {}, step.id);
  }

  async close() {
    for (const object of this.#objects.values()) await object.close();
  }
}

function workerOptions({ worker: { metrics, ...opts } = {} }) {
  return metrics ? { ...opts, metrics: { maxDataPoints: metrics } } : opts;
}
