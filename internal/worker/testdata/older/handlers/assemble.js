import { Queue, WaitingChildrenError } from "bullmq";

// Adds children while it runs, with npm bullmq itself, and waits for them.
export default {
  name: "assemble",
  description: "Has parts made, and puts them together",
  version: "1.0.0",
  author: "Workshop",

  async execute(job, token) {
    if (job.data.step !== "collect") {
      const queue = new Queue(job.queueName, { connection: { url: job.data.redis }, prefix: job.prefix });
      try {
        const parent = { id: job.id, queue: job.queueQualifiedName };
        const parts = job.data.parts.map((region) => ({ name: "region-sales", data: { region, sales: [1, 2] }, opts: { parent } }));
        await queue.addBulk(parts);
      } finally {
        await queue.close();
      }
      await job.updateData({ ...job.data, step: "collect" });
    }
    if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
    const parts = Object.values(await job.getChildrenValues());
    return { parts: parts.map((part) => part.region).sort(), counts: await job.getDependenciesCount() };
  },
};
