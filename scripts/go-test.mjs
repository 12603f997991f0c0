// Runs `go test -json` with the given arguments, prints what a person wants to
// see of it, and writes how many tests passed, failed and were skipped to the
// file named first:
//
//   node scripts/go-test.mjs counts.json -race ./...
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [countsFile, ...args] = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };
/** What each test that is still running has printed, by package and name. */
const outputs = new Map();
const child = spawn("go", ["test", "-json", ...args], { stdio: ["ignore", "pipe", "inherit"] });

const keyOf = (event) => `${event.Package ?? event.ImportPath}\0${event.Test ?? ""}`;
const isPackageLine = (text) => /^(ok|FAIL|---|\?)\s|^panic:|\scoverage: /.test(text);

function show(event) {
  for (const line of outputs.get(keyOf(event)) ?? []) process.stdout.write(line);
}

function onTestEnd(event) {
  const outcome = { pass: "passed", fail: "failed", skip: "skipped" }[event.Action];
  counts[outcome]++;
  if (outcome !== "passed") show(event);
  outputs.delete(keyOf(event));
}

// A package fails without a failing test if it does not build, panics, or
// leaves goroutines behind: its own output says so.
function onPackageEnd(event) {
  const lines = outputs.get(keyOf(event)) ?? [];
  if (event.Action === "fail") show(event);
  else for (const line of lines.filter(isPackageLine)) process.stdout.write(line);
  outputs.delete(keyOf(event));
}

function onEvent(event) {
  if (event.Action === "output" || event.Action === "build-output") {
    const key = keyOf(event);
    if (!outputs.has(key)) outputs.set(key, []);
    outputs.get(key).push(event.Output);
  } else if (event.Action === "build-fail") {
    show(event);
  } else if (["pass", "fail", "skip"].includes(event.Action)) {
    if (event.Test) onTestEnd(event);
    else onPackageEnd(event);
  }
}

createInterface({ input: child.stdout }).on("line", (line) => {
  try {
    onEvent(JSON.parse(line));
  } catch {
    process.stdout.write(`${line}\n`);
  }
});

child.on("close", (code) => {
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  writeFileSync(countsFile, JSON.stringify(counts));
  process.exitCode = code ?? 1;
});
