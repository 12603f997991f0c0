import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

const stderr = 2;

/**
 * Keeps the connection from programs that a handler starts with stdio "inherit":
 * they would read messages away, and write among them. They get an empty stdin and
 * write to stderr.
 */
export function guardChildren() {
  const { spawn } = childProcess.ChildProcess.prototype;
  childProcess.ChildProcess.prototype.spawn = function guarded(options) {
    return spawn.call(this, keptApart(options));
  };
  for (const name of ["spawnSync", "execSync", "execFileSync"]) {
    const call = childProcess[name];
    childProcess[name] = (...args) => call(...args.map((arg) => (isOptions(arg) ? keptApart(arg) : arg)));
  }
  syncBuiltinESMExports();
}

function isOptions(arg) {
  return typeof arg === "object" && arg !== null && !Array.isArray(arg);
}

function keptApart(options) {
  const { stdio } = options;
  if (stdio === "inherit") return { ...options, stdio: ["ignore", stderr, stderr] };
  return Array.isArray(stdio) ? { ...options, stdio: stdio.map(apart) } : options;
}

function apart(end, index) {
  const fd = end === "inherit" ? index : (end?.fd ?? end);
  if (fd === 0) return "ignore";
  return fd === 1 ? stderr : end;
}
