/**
 * Declares a handler. It checks the definition's shape and returns it, so that
 * a mistake shows when the file is saved and not when the first job runs.
 */
export function defineHandler(definition) {
  if (typeof definition !== "object" || definition === null) {
    throw new TypeError("defineHandler takes an object: defineHandler({ name, run })");
  }
  if (typeof definition.run !== "function") {
    throw new TypeError("a handler needs a function run(job)");
  }
  for (const key of ["name", "version", "description", "author"]) {
    if (definition[key] !== undefined && typeof definition[key] !== "string") {
      throw new TypeError(`a handler's ${key} is a string`);
    }
  }
  return definition;
}

/** Fails the job at once, whatever attempts it has left. */
export class UnrecoverableError extends Error {
  name = "UnrecoverableError";
}

/** Puts the job back for some milliseconds, without using up an attempt. */
export class DelayError extends Error {
  name = "DelayError";

  constructor(milliseconds) {
    super(`job is delayed for ${milliseconds} ms`);
    this.delay = milliseconds;
  }
}

/** What a job's signal is aborted with. */
export class CancelledError extends Error {
  name = "CancelledError";
}
