// The Node side of the cluster tests: npm bullmq on an ioredis Cluster.
//
//   node cluster.mjs add  <host> <port> <prefix> <queue> <count>
//   node cluster.mjs work <host> <port> <prefix> <queue> <count>
//
// "add" adds that many jobs; "work" ends once it has completed that many, each
// with twice its number as the result.
import { Queue, Worker } from "bullmq";
import { Cluster } from "ioredis";

const [mode, host, port, prefix, name, count] = process.argv.slice(2);
const connection = new Cluster([{ host, port: Number(port) }], {
  redisOptions: { maxRetriesPerRequest: null },
});

if (mode === "add") {
  const queue = new Queue(name, { connection, prefix });
  await queue.add("first", { n: 0 });
  const rest = Array.from({ length: Number(count) - 1 }, (_, i) => ({ name: "bulk", data: { n: i + 1 } }));
  await queue.addBulk(rest);
} else {
  const worker = new Worker(name, async (job) => job.data.n * 2, { connection, prefix, concurrency: 10 });
  worker.on("error", (error) => console.error(error));
  await new Promise((resolve) => {
    let left = Number(count);
    worker.on("completed", () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
}
// What is open by now is not under test, and closing it can wait for a node.
process.exit(0);
