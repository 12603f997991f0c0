// A handler of the older shape, which knows nothing of JobRunner.
module.exports = {
  name: "older-kind",
  description: "Does what its job says",
  version: "1.0.0",
  author: "tests",
  data: { do: "answer", value: "" },
  async execute(job) {
    await job.log(`attempt ${job.attemptsMade + 1}`);
    if (job.data.do === "fail") throw new TypeError("failed on purpose");
    await job.updateProgress(50);
    return { answer: job.data.value };
  },
};
