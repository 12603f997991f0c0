// A reporter of node --test that counts what passed, failed and was skipped, as
// scripts/tally.mjs reads it.

export default async function* count(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (data?.details?.type === "suite") continue;
    if (type === "test:pass")
      counts[data.skip === undefined && data.todo === undefined ? "passed" : "skipped"] += 1;
    if (type === "test:fail") counts.failed += 1;
  }
  yield JSON.stringify(counts);
}
