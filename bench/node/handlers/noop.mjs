// The handler that both a Node BullMQ worker and JobRunner's worker run.
export default { name: "noop", run: (job) => job.data };
