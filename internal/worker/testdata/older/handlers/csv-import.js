const batchSize = 2;

// Keeps in the job's data how far it has come, so that a retry goes on from there.
export default {
  name: "csv-import",
  description: "Imports the rows of a CSV text in batches",
  version: "1.4.0",
  author: "Data team",

  async execute(job) {
    const [header, ...lines] = job.data.csv.trim().split("\n");
    const columns = header.split(",");
    let { done = 0, imported = [] } = job.data;
    while (done < lines.length) {
      const batch = lines.slice(done, done + batchSize);
      const rows = batch.map((line) => {
        const values = line.split(",");
        if (values.length !== columns.length) throw new Error(`line ${done + 2} has ${values.length} fields`);
        return Object.fromEntries(columns.map((column, i) => [column, values[i]]));
      });
      imported = [...imported, ...rows];
      done += batch.length;
      await job.updateData({ ...job.data, done, imported });
      await job.updateProgress({ done, total: lines.length });
      console.log(`imported ${done} of ${lines.length} rows`);
      if (done === job.data.breakAt && job.attemptsMade === 0) throw new Error("connection lost");
    }
    return { rows: imported.length, first: imported[0], attempts: job.attemptsMade + 1 };
  },
};
