// Is compiled, never run: what the types promise, and what they refuse.

import {
  type AddedJob,
  CancelledError,
  DelayError,
  defineHandler,
  type HandlerDefinition,
  type Job,
  UnrecoverableError,
} from "@jobrunner/handler";

interface Data {
  to: string;
}
interface State {
  sent: number;
}
type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;

export const typed: HandlerDefinition<Data, number, State> = defineHandler<Data, number, State>({
  name: "mail",
  keepAlive: true,
  defaults: { attempts: 3, backoff: { type: "fixed", delay: 5 }, concurrency: 2, timeout: 1000 },
  async run(job) {
    is<Is<typeof job.data, Data>>();
    is<Is<typeof job.state, State | undefined>>();
    const sums = await job.childrenValues<number>();
    is<Is<typeof sums, Record<string, number>>>();
    const added = await job.addChildren([{ name: "thumb", data: { w: 1 }, opts: { priority: 1 } }]);
    is<Is<typeof added, AddedJob[]>>();
    await job.saveState({ sent: (job.state?.sent ?? 0) + 1 });
    // @ts-expect-error the state has another shape
    await job.saveState({ send: 1 });
    // @ts-expect-error the data has another shape
    await job.updateData({ from: "x" });
    // @ts-expect-error a job needs a name
    await job.addJobs([{ data: {} }]);
    // @ts-expect-error what is no JSON cannot be progress
    await job.progress(() => 1);
    if (job.signal.reason instanceof CancelledError) throw new UnrecoverableError("stopped");
    if (job.attempt > 1) throw new DelayError(100);
    return job.attemptsMade;
  },
});

export const inferred = defineHandler({ run: (job: Job<Data>) => job.data.to });
is<Is<typeof inferred, HandlerDefinition<Data, string>>>();

export function neverReturns(job: Job): number {
  if (job.priority === 1) job.delay(5);
  if (job.priority === 2) job.release();
  return job.waitForChildren();
}

// @ts-expect-error run is missing
defineHandler({ name: "x" });
// @ts-expect-error a misspelled field
defineHandler({ run: () => 1, descripton: "x" });
// @ts-expect-error an unknown kind of backoff
defineHandler({ run: () => 1, defaults: { backoff: { type: "linear" } } });
// @ts-expect-error the result has another type
defineHandler<Data, number>({ run: () => "x" });
// @ts-expect-error milliseconds are a number
throw new DelayError("1s");
