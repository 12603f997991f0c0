// Runs npm bullmq's side of the benchmark. It reads one command a line as JSON
// from stdin and answers each with one line on stdout, so that the process, and
// with it the code V8 has compiled, lasts for all rounds.
import { createInterface } from "node:readline";
import { Queue, Worker } from "bullmq";

const [host, port, queueName, payload] = process.argv.slice(2);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue(queueName, { connection });
await queue.waitUntilReady();

let worker;
let seen;

const commands = {
  async add({ jobs, producers }) {
    let next = 0;
    const produce = async () => {
      while (next < jobs) await queue.add("noop", { index: next++, payload });
    };
    await Promise.all(Array.from({ length: producers }, produce));
  },

  async addBulk({ jobs, size }) {
    for (let start = 0; start < jobs; start += size) {
      const length = Math.min(size, jobs - start);
      const bulk = Array.from({ length }, (_, i) => ({ name: "noop", data: { index: start + i, payload } }));
      await queue.addBulk(bulk);
    }
  },

  async startWorker({ jobs, concurrency }) {
    seen = new Uint8Array(jobs);
    const record = async (job) => {
      seen[job.data.index]++;
    };
    worker = new Worker(queueName, record, { connection, concurrency });
    worker.on("error", (error) => console.error(error));
  },

  async stopWorker() {
    await worker.close();
    return { lost: seen.filter((n) => n === 0).length, repeated: seen.filter((n) => n > 1).length };
  },
};

console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...args } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await commands[command](args)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.stack ?? error) }));
  }
}
await queue.close();
