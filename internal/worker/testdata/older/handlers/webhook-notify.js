export default {
  name: "webhook-notify",
  description: "Posts an event to a URL; the queue retries",
  version: "1.2.0",
  author: "Integrations",

  async execute(job) {
    const response = await fetch(job.data.url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-attempt": String(job.attemptsMade + 1) },
      body: JSON.stringify(job.data.event),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} from ${new URL(job.data.url).pathname}: ${text}`);
    return { status: response.status, reply: text, last: job.attemptsMade + 1 === job.opts.attempts };
  },
};
