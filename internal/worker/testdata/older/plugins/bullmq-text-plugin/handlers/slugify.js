export default {
  name: "slugify",
  description: "Makes a title fit for a URL",
  version: "1.0.0",

  async execute(job) {
    const plain = job.data.title.normalize("NFKD").replace(/\p{M}/gu, "");
    return plain.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  },
};
