// What a handler imports as "@jobrunner/handler".

export { defineHandler } from "./lib/definition.mjs";
export {
  CancelledError,
  DelayError,
  RateLimitError,
  ReleaseError,
  UnrecoverableError,
  WaitForChildrenError,
} from "./lib/errors.mjs";
