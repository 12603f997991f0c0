// Answers questions about cron patterns with what npm bullmq plans. Each line of
// standard input is {pattern, tz, from, runs}. The answer to it is one line,
// {runs: [...]} in milliseconds, in which null says that there is no run any
// more, or {error} if the pattern or the zone is refused.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// What bullmq uses is not necessarily what lies at the root.
const fromHere = createRequire(import.meta.url);
const fromBullmq = createRequire(fromHere.resolve("bullmq"));
const fromParser = createRequire(fromBullmq.resolve("cron-parser"));
const { getNextMillis } = fromHere("bullmq");
const { IANAZone } = fromParser("luxon");

// Finding the offset of a zone takes most of the time. Offsets change at quarters
// of an hour only, so that one look per quarter is enough.
const quarter = 15 * 60 * 1000;
const offsets = new Map();
const lookUp = IANAZone.prototype.offset;
IANAZone.prototype.offset = function (time) {
  let known = offsets.get(this.name);
  if (!known) {
    known = new Map();
    offsets.set(this.name, known);
  }
  const key = Math.floor(time / quarter);
  let offset = known.get(key);
  if (offset === undefined) {
    offset = lookUp.call(this, time);
    known.set(key, offset);
  }
  return offset;
};

function answer({ pattern, tz, from, runs }) {
  const found = [];
  try {
    let last = from;
    do {
      const next = getNextMillis(last, { pattern, tz });
      found.push(next ?? null);
      // Where it stands still or goes back, it would do so for ever.
      if (next === undefined || next <= last) break;
      last = next;
    } while (found.length < runs);
    return { runs: found.slice(0, runs) };
  } catch (error) {
    return { error: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
