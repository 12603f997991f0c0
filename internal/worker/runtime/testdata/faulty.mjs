// Does on demand what handlers should not do.
import { spawn } from "node:child_process";
import { rmSync, writeFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UnrecoverableError } from "@jobrunner/handler";

class OutOfPaper extends Error {
  name = "OutOfPaper";
}

/** Writes a text until so many bytes are written, whatever the pipe does. */
function flood(fd, text, bytes) {
  const block = Buffer.from(text.repeat(Math.ceil((1 << 18) / text.length)));
  for (let left = bytes; left > 0; ) {
    try {
      left -= writeSync(fd, block);
    } catch {
      // The pipe is full for the moment.
    }
  }
}

const gigabyte = 1 << 30;
const line = `${"of no use to anybody ".repeat(100)}\n`;
const faults = {
  fine: () => "fine",
  soon: () => new Promise((resolve) => setTimeout(() => resolve("soon"), 100)),
  later: () => new Promise((resolve) => setTimeout(() => resolve("later"), 500)),
  throws: () => {
    throw new OutOfPaper("no paper left");
  },
  rejects: async () => {
    await null;
    return Promise.reject(new OutOfPaper("no paper left"));
  },
  rejectsLater: () =>
    new Promise(() => {
      setTimeout(() => Promise.reject(new OutOfPaper("too late")), 1);
    }),
  throwsLater: () =>
    new Promise(() => {
      setTimeout(() => {
        throw new OutOfPaper("in a timer");
      }, 1);
    }),
  throwsText: () => {
    throw "just text";
  },
  unrecoverable: () => {
    throw new UnrecoverableError("never again");
  },
  delays: (job) => job.delay(1500),
  exits: () => process.exit(3),
  segfaults: () => process.kill(process.pid, "SIGSEGV"),
  killed: () => process.kill(process.pid, "SIGKILL"),
  never: (job) =>
    new Promise((_, reject) => {
      job.signal.addEventListener("abort", () => reject(job.signal.reason));
    }),
  ignoresAbort: () => {
    for (;;);
  },
  hangs: (job) => new Promise(() => job.progress(1)),
  rubbish: () => {
    writeSync(1, 'rubbish\n{"jsonrpc":"1.0"}\n{"half":\n\n');
    return "fine";
  },
  half: () => {
    writeSync(1, "half a line");
    return "fine";
  },
  floods: () => {
    flood(1, line, gigabyte);
    return "fine";
  },
  floodsLog: () => {
    flood(2, line, gigabyte);
    return "fine";
  },
  floodsLine: () => {
    flood(1, "x", gigabyte);
    return "fine";
  },
  notJSON: () => () => 0,
  circular: () => {
    const o = {};
    o.o = o;
    return o;
  },
  bigint: () => 1n,
  hundredMegabytes: () => "x".repeat(100 << 20),
  nothing: () => undefined,
  forks: () => {
    spawn("sleep", ["1000"], { stdio: "ignore" });
    spawn("setsid", ["sh", "-c", "(exec sleep 1001) & exec sleep 1002"], { detached: true, stdio: "ignore" }).unref();
    return "fine";
  },
  memory: () => {
    const kept = [];
    for (;;) kept.push(new Array(1000).fill(0.5));
  },
  changesFiles: () => {
    writeFileSync(fileURLToPath(import.meta.url), "this is not JavaScript (");
    rmSync(fileURLToPath(import.meta.url));
    return "fine";
  },
};

export default { name: "faulty", run: (job) => faults[job.data.fault](job) };
