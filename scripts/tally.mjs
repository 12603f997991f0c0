// Adds up what the test runners counted and prints it, one line a suite and one
// for all. A suite that left no result, ran nothing or skipped anything fails.
//
//   node scripts/tally.mjs directory suite...
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [directory, ...suites] = process.argv.slice(2);

/** Each runner has its own report; only one shape fits each. */
function countsOf(report) {
  if (report.stats) {
    const { expected, unexpected, flaky, skipped } = report.stats;
    return { passed: expected, failed: unexpected + flaky + (report.errors?.length ?? 0), skipped };
  }
  if (report.numTotalTests !== undefined) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites, success } =
      report;
    const broken = !success && numFailedTests === 0 ? Math.max(1, numFailedTestSuites) : 0;
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken,
      skipped: numPendingTests + (numTodoTests ?? 0),
    };
  }
  return report;
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const suite of suites) {
  const file = join(directory, `${suite}.json`);
  const counts = existsSync(file)
    ? countsOf(JSON.parse(readFileSync(file, "utf8")))
    : { passed: 0, failed: 1, skipped: 0 };
  if (counts.passed + counts.failed === 0) counts.failed = 1;
  for (const kind of Object.keys(total)) total[kind] += counts[kind];
  console.log(`${suite}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.skipped > 0) console.log("a skipped test counts as a failure of the run");
process.exitCode = total.failed + total.skipped > 0 ? 1 : 0;
