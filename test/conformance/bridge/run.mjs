#!/usr/bin/env node
// Runs BullMQ's own tests on the engine and prints what became of them, by file.
//
//   test/conformance/bridge/run.mjs [--own] CHECKOUT [FILE...]
//
// CHECKOUT is a working copy of BullMQ's repository whose tests can be run: its
// development dependencies are installed and its scripts are generated. A FILE is
// the name of a test file without ".test.ts"; by default all of peer.json. With
// --own BullMQ's own Redis backend is used, to have something to compare with.
//
// It exits with 1 if a test fails that peer.json does not explain.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";

const run = promisify(execFile);
const here = import.meta.dirname;
const peer = JSON.parse(await readFile(join(here, "peer.json"), "utf8"));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { own: { type: "boolean", default: false } },
});
const [checkout, ...files] = positionals;
if (!checkout) {
  console.error("usage: run.mjs [--own] CHECKOUT [FILE...]");
  process.exit(2);
}

const columns = ["tests", "passed", "repeated", "failed", "skipped", "s"];
const width = (name) => name.padStart(8);

async function main(root, names) {
  check(root);
  const dir = await mkdtemp(join(tmpdir(), "bridge-"));
  const children = [];
  try {
    const port = await freePort();
    children.push(await startRedis(port, dir));
    const env = { ...process.env, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(port), BULLMQ_CHECKOUT: root };
    if (!options.own) {
      env.BRIDGE_SOCKET = join(dir, "socket");
      children.push(await startBridge(env.BRIDGE_SOCKET, port, dir));
    }
    const rows = [];
    console.log(["file".padEnd(16), ...columns.map(width)].join(" "));
    for (const name of names) {
      rows.push(await runFile(name, root, dir, env));
      printRow(rows.at(-1));
    }
    return summarize(rows);
  } finally {
    for (const child of children.reverse()) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(dir, { recursive: true });
  }
}

function check(root) {
  const needed = ["tests", "node_modules/vitest/vitest.mjs", "src/scripts"];
  const missing = needed.filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0) {
    throw new Error(`${root} is not ready to run its tests: there is no ${missing.join(", ")}`);
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function startRedis(port, dir) {
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir];
  return started(spawn("redis-server", args.map(String), { stdio: ["ignore", "pipe", "inherit"] }));
}

async function startBridge(socket, port, dir) {
  const binary = join(dir, "bridge");
  await run("go", ["build", "-o", binary, "."], { cwd: here });
  const args = ["-socket", socket, "-redis", `redis://127.0.0.1:${port}`];
  return started(spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] }));
}

/** Waits until a server says that it is ready. */
async function started(child) {
  await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${child.spawnfile} did not start`)));
    child.stdout.setEncoding("utf8").on("data", (text) => /ready/i.test(text) && resolve());
  });
  return child;
}

/** Runs one file, then what failed in it once more, for some tests depend on a fast machine. */
async function runFile(name, root, dir, env) {
  const begun = Date.now();
  const tests = await vitest(name, root, dir, env);
  const failed = tests.filter((test) => test.status === "failed");
  const unexplained = failed.filter((test) => !peer.differences[name]?.[test.fullName]);
  const row = { name, tests, failed, repeated: [], unexplained };
  if (unexplained.length > 0) {
    const again = await vitest(name, root, dir, env, unexplained);
    row.repeated = unexplained.filter((test) =>
      again.some((t) => t.fullName === test.fullName && t.status === "passed"),
    );
    row.unexplained = unexplained.filter((test) => !row.repeated.includes(test));
    row.failed = failed.filter((test) => !row.repeated.includes(test));
  }
  return { ...row, seconds: Math.round((Date.now() - begun) / 1000) };
}

async function vitest(name, root, dir, env, only = []) {
  const output = join(dir, `${name}.json`);
  const args = ["node_modules/vitest/vitest.mjs", "run", `tests/${name}.test.ts`, "--root", root];
  args.push("--config", join(here, "vitest.peer.config.ts"), "--reporter=json", `--outputFile=${output}`);
  if (only.length > 0) {
    args.push("-t", only.map((test) => escapeRegExp(test.fullName)).join("|"));
  }
  // A failed test shows in the report, so its exit code says nothing more.
  const text = await run("node", args, { cwd: root, env, maxBuffer: 1 << 28 }).catch((error) => error.stderr);
  if (!existsSync(output)) {
    throw new Error(`vitest wrote no report on ${name}: ${text}`);
  }
  const report = JSON.parse(await readFile(output, "utf8"));
  await rm(output);
  return report.testResults.flatMap((file) => file.assertionResults);
}

function escapeRegExp(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function printRow(row) {
  const skipped = row.tests.length - row.failed.length - count(row, "passed") - row.repeated.length;
  const figures = [
    row.tests.length,
    count(row, "passed"),
    row.repeated.length,
    row.failed.length,
    skipped,
    row.seconds,
  ];
  console.log([row.name.padEnd(16), ...figures.map(String).map(width)].join(" "));
}

function count(row, status) {
  return row.tests.filter((test) => test.status === status).length;
}

function firstLine(test) {
  return test.failureMessages[0].split("\n")[0];
}

function summarize(rows) {
  const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
  const passed = sum((row) => count(row, "passed") + row.repeated.length);
  console.log(`\n${passed} of ${sum((row) => row.tests.length)} tests pass.`);
  for (const { name, failed, repeated, unexplained } of rows) {
    for (const test of repeated) {
      console.log(`\n${name}: ${test.fullName}\n  passed when repeated: ${firstLine(test)}`);
    }
    for (const test of failed) {
      const reason = unexplained.includes(test)
        ? firstLine(test)
        : `known: ${peer.differences[name][test.fullName]}`;
      console.log(`\n${name}: ${test.fullName}\n  ${reason}`);
    }
  }
  const lost = rows.filter((row) => row.tests.length < (peer.files[row.name] ?? 0));
  for (const row of lost) {
    console.log(`\n${row.name} has ${row.tests.length} tests, ${peer.files[row.name]} were expected`);
  }
  return lost.length > 0 || rows.some((row) => row.unexplained.length > 0) ? 1 : 0;
}

process.exitCode = await main(resolve(checkout), files.length > 0 ? files : Object.keys(peer.files));
