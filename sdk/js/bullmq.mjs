// What `import … from "bullmq"` finds in a handler beside which npm bullmq is not
// installed: the errors that a processor throws, which mean to the worker what they
// mean there. All else needs the package, and says so when it is used.

export class UnrecoverableError extends Error {
  name = "UnrecoverableError";

  constructor(message = "bullmq:unrecoverable") {
    super(message);
  }
}

export class DelayedError extends Error {
  name = "DelayedError";

  constructor(message = "bullmq:movedToDelayed") {
    super(message);
  }
}

export class WaitingChildrenError extends Error {
  name = "WaitingChildrenError";

  constructor(message = "bullmq:movedToWaitingChildren") {
    super(message);
  }
}

export class WaitingError extends Error {
  name = "WaitingError";

  constructor(message = "bullmq:movedToWait") {
    super(message);
  }
}

export class RateLimitError extends Error {
  name = "RateLimitError";

  constructor(message = "bullmq:rateLimitExceeded") {
    super(message);
  }
}

class Missing {
  constructor() {
    throw new Error(
      `${new.target.name} needs npm bullmq: run "npm install bullmq" in the handler's folder; to add jobs, job.addJobs does without`,
    );
  }
}

export class Queue extends Missing {}
export class QueueEvents extends Missing {}
export class FlowProducer extends Missing {}
export class Worker extends Missing {
  static RateLimitError() {
    return new RateLimitError();
  }
}
/** A job is what its handler is given; the class is there for instanceof and annotations. */
export class Job extends Missing {}
