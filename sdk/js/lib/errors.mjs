// What a handler throws to say what is to become of its job. The host knows these
// by name, as a bundle carries its own copy of the classes.

/** Fails the job at once, whatever attempts it has left. */
export class UnrecoverableError extends Error {
  name = "UnrecoverableError";
}

/** Puts the job back for some milliseconds, without using up an attempt. */
export class DelayError extends Error {
  name = "DelayError";

  constructor(milliseconds) {
    super(`job is delayed for ${checkMilliseconds("DelayError", milliseconds)} ms`);
    this.delay = milliseconds;
  }
}

/** Lets the job wait for its children; it runs again when they have ended. */
export class WaitForChildrenError extends Error {
  name = "WaitForChildrenError";

  constructor(message = "job waits for its children") {
    super(message);
  }
}

/** Puts the job back to the front of those that wait, without using up an attempt. */
export class ReleaseError extends Error {
  name = "ReleaseError";

  constructor(message = "job goes back to wait") {
    super(message);
  }
}

/** Puts the job back, and takes none of the queue's jobs for some milliseconds. */
export class RateLimitError extends Error {
  name = "RateLimitError";

  constructor(milliseconds) {
    super(`queue is rate limited for ${checkMilliseconds("RateLimitError", milliseconds)} ms`);
    this.rateLimit = milliseconds;
  }
}

const cancelled = Symbol.for("@jobrunner/handler.cancelled");

/** What a job's signal is aborted with. */
export class CancelledError extends Error {
  name = "CancelledError";

  get [cancelled]() {
    return true;
  }
}

// The signal's reason is of the host's copy of the class, and a handler asks with its own.
Object.defineProperty(CancelledError, Symbol.hasInstance, {
  value(thrown) {
    if (this === CancelledError) return thrown?.[cancelled] === true;
    return Function.prototype[Symbol.hasInstance].call(this, thrown);
  },
});

function checkMilliseconds(what, value) {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new TypeError(`${what} takes a number of milliseconds, not ${String(value)}`);
}
