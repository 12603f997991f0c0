import { defineHandler, UnrecoverableError } from "@jobrunner/handler";

interface Data {
  do: "answer" | "fail" | "give-up" | "remember" | "gather";
  value?: unknown;
}

/** Does what its job says, as its namesakes in the other languages do. */
export default defineHandler<Data>({
  name: "ts-kind",
  async run(job) {
    await job.log(`attempt ${job.attempt}`);
    switch (job.data.do) {
      case "answer":
        await job.progress(50);
        return { answer: job.data.value };
      case "fail":
        throw new TypeError("failed on purpose");
      case "give-up":
        throw new UnrecoverableError("gave up on purpose");
      case "remember":
        if (job.state !== undefined) return { remembered: job.state };
        await job.saveState({ value: job.data.value });
        throw new Error("once more, please");
      case "gather": {
        const values = Object.values(await job.childrenValues());
        if (values.length > 0) return { gathered: values };
        await job.addChildren([{ name: "echo", data: { from: "ts-kind" } }]);
        return job.waitForChildren();
      }
    }
  },
});
