import { defineHandler, UnrecoverableError } from "@jobrunner/handler";

export default defineHandler<{ do: string; value?: unknown }>({
  name: "plugin-kind",
  async run(job) {
    await job.log(`attempt ${job.attempt}`);
    if (job.data.do === "fail") throw new TypeError("failed on purpose");
    if (job.data.do === "give-up") throw new UnrecoverableError("gave up on purpose");
    await job.progress(50);
    return { answer: job.data.value };
  },
});
