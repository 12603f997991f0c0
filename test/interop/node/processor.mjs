// What a worker does with the tests' jobs, by job name. processor_test.go says
// the same in Go; a job ends alike in both.

const makeProcessors = (UnrecoverableError) => ({
  echo: async (job) => ({ echo: job.data }),

  nothing: async () => undefined,

  report: async (job) => {
    await job.updateProgress(25);
    await job.log("first line");
    await job.log("second line");
    await job.updateProgress({ rows: 3, of: 4 });
    return "reported";
  },

  fail: async (job) => {
    throw new TypeError(job.data.message);
  },

  flaky: async (job) => {
    if (job.attemptsMade < job.data.failures) throw new Error(`attempt ${job.attemptsMade + 1} failed`);
    return job.attemptsMade;
  },

  hopeless: async (job) => {
    throw new UnrecoverableError(job.data.message);
  },

  children: async (job) => await job.getChildrenValues(),
});

/** Returns the processor of all jobs, with the error class of the library that runs it. */
export function makeProcessor(UnrecoverableError) {
  const processors = makeProcessors(UnrecoverableError);
  return (job) => {
    const run = processors[job.name];
    if (!run) throw new Error(`no processor for ${job.name}`);
    return run(job);
  };
}
