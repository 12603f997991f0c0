import { defineHandler } from "@jobrunner/handler";

/** How many words are counted between two progress reports. */
const step = 1000;

export default defineHandler({
  name: "word-count",
  version: "1.0.0",
  description: "Counts the words of a text and lists the most frequent ones",
  author: "JobRunner examples",
  schema: {
    type: "object",
    title: "Word count",
    required: ["text"],
    additionalProperties: false,
    properties: {
      text: {
        type: "string",
        title: "Text",
        description: "The text whose words are counted",
        minLength: 1,
        maxLength: 1000000,
        default: "the quick brown fox jumps over the lazy dog",
      },
      top: {
        type: "integer",
        title: "Top",
        description: "How many of the most frequent words are listed",
        minimum: 1,
        maximum: 100,
        default: 10,
      },
      ignoreCase: {
        type: "boolean",
        title: "Ignore case",
        description: "Counts “The” and “the” as one word",
        default: true,
      },
    },
  },
  resultSchema: {
    type: "object",
    required: ["words", "distinct", "top"],
    properties: {
      words: { type: "integer", title: "Words" },
      distinct: { type: "integer", title: "Distinct words" },
      top: {
        type: "array",
        title: "Most frequent words",
        items: {
          type: "object",
          required: ["word", "count"],
          properties: { word: { type: "string" }, count: { type: "integer" } },
        },
      },
    },
  },
  defaults: { attempts: 3, backoff: { type: "exponential", delay: 1000 }, timeout: 60000 },

  async run(job) {
    const { text, top = 10, ignoreCase = true } = job.data;
    const words = (ignoreCase ? text.toLowerCase() : text).match(/[\p{L}\p{N}'’-]+/gu) ?? [];
    await job.log(`counting ${words.length} words`);
    const counts = new Map();
    for (const [i, word] of words.entries()) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (i % step === 0) {
        await job.progress(Math.round((100 * i) / words.length));
        job.signal.throwIfAborted();
      }
    }
    await job.progress(100);
    const ranked = [...counts].sort(([a, x], [b, y]) => y - x || a.localeCompare(b)).slice(0, top);
    await job.log(`${counts.size} of them are distinct`);
    return {
      words: words.length,
      distinct: counts.size,
      top: ranked.map(([word, count]) => ({ word, count })),
    };
  },
});
