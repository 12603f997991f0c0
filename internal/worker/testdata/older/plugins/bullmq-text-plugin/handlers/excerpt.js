export default {
  name: "excerpt",
  description: "Cuts a text at a word",
  version: "1.0.0",
  data: {
    type: "object",
    required: ["text", "length"],
    properties: { text: { type: "string" }, length: { type: "integer", minimum: 1 } },
  },

  async execute(job) {
    await job.updateProgress(10);
    const { text, length } = job.data;
    if (text.length <= length) return text;
    return `${text.slice(0, text.lastIndexOf(" ", length))}…`;
  },
};
