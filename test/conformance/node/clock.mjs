// A clock for each scenario: inside of at(), the present is what the scenario
// says, and scenarios that run at the same time do not see each other's.
import { AsyncLocalStorage } from "node:async_hooks";

const present = new AsyncLocalStorage();
const RealDate = Date;

class ScenarioDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(ScenarioDate.now());
    else super(...args);
  }

  static now() {
    return present.getStore() ?? RealDate.now();
  }
}

globalThis.Date = ScenarioDate;

/** Runs what the function does, to its end, at a moment in epoch milliseconds. */
export const at = (ms, run) => present.run(ms, run);
