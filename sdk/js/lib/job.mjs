import { DelayError, RateLimitError, ReleaseError, WaitForChildrenError } from "./errors.mjs";

const maxStateBytes = 1 << 20;

/**
 * What handlers call on a job. Each may be taken out of it and called alone; what
 * does that is made when it is asked for, as most jobs use few of them.
 */
const methods = {
  progress: (run) => (value) => run.progress(value),
  log: (run) => (line) => run.log(line),
  childrenValues: (run) => () => run.ask("childrenValues"),
  failedChildren: (run) => () => run.ask("failedChildren"),
  dependencies: (run) => () => run.ask("dependencies"),
  addChildren: (run) => async (jobs) => run.ask("addChildren", "jobs", encodeJobs(run, "addChildren", jobs)),
  addJobs: (run) => async (jobs) => run.ask("addJobs", "jobs", encodeJobs(run, "addJobs", jobs)),
  saveState: (run, job) => async (value) => {
    const text = run.encode("state", value, maxStateBytes);
    await run.ask("saveState", "value", text);
    job.state = JSON.parse(text);
  },
  updateData: (run, job) => async (value) => {
    const text = run.encode("data", value);
    await run.ask("updateData", "value", text);
    job.data = JSON.parse(text);
  },
  delay: () => (milliseconds) => {
    throw new DelayError(milliseconds);
  },
  waitForChildren: () => () => {
    throw new WaitForChildrenError();
  },
  release: () => () => {
    throw new ReleaseError();
  },
  rateLimit: () => (milliseconds) => {
    throw new RateLimitError(milliseconds);
  },
};

/** What handlers written for npm bullmq call. */
const methodsOfBullMQ = {
  updateProgress: methods.progress,
  getChildrenValues: methods.childrenValues,
  getIgnoredChildrenFailures: methods.failedChildren,
  getDependenciesCount: methods.dependencies,
  getState: () => async () => "active",
  // The worker renews the lock for as long as the job runs.
  extendLock: () => async () => 1,
  discard: (run) => () => {
    run.discarded = true;
  },
  moveToDelayed: (run) => async (timestamp) => {
    if (!Number.isFinite(timestamp)) {
      throw new TypeError(`moveToDelayed takes a time in epoch milliseconds, not ${String(timestamp)}`);
    }
    run.moved = { to: "delay", timestamp };
  },
  moveToWait: (run) => async () => {
    run.moved = { to: "release" };
  },
  moveToWaitingChildren: (run) => async () => {
    const { unprocessed } = await run.ask("dependencies");
    if (unprocessed > 0) run.moved = { to: "waitForChildren" };
    return unprocessed > 0;
  },
};

/** A job as its handler sees it; index.d.ts has what each member means. */
export class Job {
  #run;

  constructor(run, job) {
    this.#run = run;
    this.id = job.id;
    this.name = job.name;
    this.queue = job.queue;
    this.queueName = job.queue;
    this.prefix = job.prefix;
    this.data = job.data;
    this.state = job.state;
    this.opts = job.opts ?? {};
    this.attempt = job.attempt;
    this.attemptsMade = job.attempt - 1;
    this.attemptsStarted = job.attemptsStarted;
    this.maxAttempts = job.maxAttempts;
    this.priority = job.priority;
    this.timestamp = job.timestamp;
    this.parent = job.parent;
  }

  /** Aborted when the job must stop. */
  get signal() {
    return this.#run.signal;
  }

  get queueQualifiedName() {
    return `${this.prefix}:${this.queue}`;
  }

  get parentKey() {
    return this.parent && `${this.parent.queue}:${this.parent.id}`;
  }

  /** Stands in for the lock's token, which the worker keeps to itself. */
  get token() {
    return `${this.queueQualifiedName}:${this.id}`;
  }

  static {
    for (const [name, make] of Object.entries({ ...methods, ...methodsOfBullMQ })) {
      Object.defineProperty(Job.prototype, name, {
        configurable: true,
        get() {
          return make(this.#run, this);
        },
        set(value) {
          Object.defineProperty(this, name, { value, configurable: true, writable: true, enumerable: true });
        },
      });
    }
  }
}

function encodeJobs(run, method, jobs) {
  if (!Array.isArray(jobs)) throw new TypeError(`${method} takes a list of jobs { name, data }`);
  for (const [index, job] of jobs.entries()) {
    if (typeof job?.name !== "string" || job.name === "") {
      throw new TypeError(`${method}: job ${index} of the list needs a name, that of its handler`);
    }
    if (job.queue !== undefined && typeof job.queue !== "string") {
      throw new TypeError(`${method}: the queue of job ${index} of the list must be its name`);
    }
  }
  return run.encode("list of jobs", jobs);
}
