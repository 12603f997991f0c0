export default {
  name: "sales-report",
  description: "Adds up what the jobs of the regions have found",
  version: "1.0.0",
  author: "Finance",

  async execute(job) {
    const regions = Object.values(await job.getChildrenValues());
    const ignored = await job.getIgnoredChildrenFailures();
    await job.log(`${regions.length} regions, ${Object.keys(ignored).length} without figures`);
    const total = regions.reduce((sum, region) => sum + region.amount, 0);
    const best = regions.reduce((a, b) => (b.amount > a.amount ? b : a));
    return { year: job.data.year, total, best: best.region, missing: Object.values(ignored) };
  },
};
