import { DelayedError } from "bullmq";

// The pattern of BullMQ's documentation for jobs in steps, with a pause in between.
export default {
  name: "order-steps",
  description: "Takes an order through its steps",
  version: "3.0.0",
  author: "Shop",

  async execute(job, token) {
    let { step = "reserve" } = job.data;
    while (step !== "done") {
      switch (step) {
        case "reserve":
          await job.log("reserved");
          await job.updateData({ ...job.data, step: "charge" });
          await job.moveToDelayed(Date.now() + job.data.pause, token);
          throw new DelayedError();
        case "charge":
          await job.log("charged");
          step = "ship";
          await job.updateData({ ...job.data, step });
          break;
        case "ship":
          await job.log("shipped");
          step = "done";
          break;
        default:
          throw new Error(`unknown step: ${step}`);
      }
    }
    return { order: job.data.order, attemptsMade: job.attemptsMade, started: job.attemptsStarted };
  },
};
