import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

export default {
  name: "log-archive",
  description: "Packs lines of a log, in a file of its own",
  version: "1.0.0",
  author: "Operations",

  async execute(job) {
    const dir = await mkdtemp(join(tmpdir(), "archive-"));
    try {
      const file = join(dir, "log.gz");
      await writeFile(file, gzipSync(job.data.lines.join("\n")));
      const packed = await readFile(file);
      const lines = gunzipSync(packed).toString().split("\n");
      process.stdout.write(`packed ${lines.length} lines\n`);
      return { lines: lines.length, smaller: packed.length < job.data.lines.join("\n").length };
    } finally {
      await rm(dir, { recursive: true });
    }
  },
};
