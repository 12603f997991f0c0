export default {
  name: "region-sales",
  description: "Finds the sales of one region",
  version: "1.0.0",
  author: "Finance",

  async execute(job) {
    const { region, sales } = job.data;
    if (!sales) throw new Error(`no figures for ${region}`);
    return { region, amount: sales.reduce((a, b) => a + b, 0), parent: job.parentKey !== undefined };
  },
};
