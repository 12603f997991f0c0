import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");
const binary = join(root, "bin/jobrunner");
const startLimit = 60_000;
const stopLimit = 30_000;

/** What a program printed when it was ready. */
interface Banner {
  url: string;
  redisURL: string;
  setupToken?: string;
}

export interface JobRunnerOptions {
  /** Further arguments of `jobrunner dev`. */
  args?: string[];
  /** Further environment variables. */
  env?: Record<string, string>;
}

/** A running `jobrunner dev` with a data directory of its own, on free ports. */
export class JobRunner {
  readonly url: string;
  readonly redisURL: string;
  readonly setupToken: string | undefined;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #log: string[];

  private constructor(child: ChildProcess, directory: string, log: string[], banner: Banner) {
    this.#child = child;
    this.#directory = directory;
    this.#log = log;
    this.url = banner.url;
    this.redisURL = banner.redisURL;
    this.setupToken = banner.setupToken;
  }

  static async start({ args = [], env = {} }: JobRunnerOptions = {}): Promise<JobRunner> {
    const directory = mkdtempSync(join(tmpdir(), "jobrunner-e2e-"));
    const handlers = ["handlers", "plugins"]
      .filter((name) => existsSync(join(root, name)))
      .flatMap((name) => [`--${name}`, join(root, name)]);
    const child = spawn(
      binary,
      [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        join(directory, "data"),
        "--shutdown-timeout",
        "5s",
        ...handlers,
        ...args,
      ],
      { cwd: directory, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
    );
    const log: string[] = [];
    try {
      return new JobRunner(child, directory, log, await readBanner(child, log));
    } catch (error) {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the program has printed so far, for a failure's report. */
  get log(): string {
    return this.#log.join("");
  }

  /** The program's resident memory, in bytes, without that of its children. */
  memory(): number {
    return Number(execFileSync("ps", ["-o", "rss=", "-p", String(this.#child.pid)])) * 1024;
  }

  /** Ends the program in order and removes its data; throws if it does not end well. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, "exit", { signal: AbortSignal.timeout(stopLimit) });
      this.#child.kill("SIGTERM");
      await ended.catch(() => this.#child.kill("SIGKILL"));
    }
    rmSync(this.#directory, { recursive: true, force: true });
    if (this.#child.exitCode !== 0) {
      throw new Error(`jobrunner ended with ${this.#child.exitCode ?? this.#child.signalCode}:\n${this.log}`);
    }
  }
}

/** Collects the output and resolves once it holds the whole banner. */
function readBanner(child: ChildProcess, log: string[]): Promise<Banner> {
  return new Promise((done, failed) => {
    const say = (reason: string) => failed(new Error(`jobrunner ${reason}:\n${log.join("")}`));
    const timer = setTimeout(() => say(`was not ready within ${startLimit} ms`), startLimit);
    child.once("error", failed);
    child.once("exit", (code) => say(`ended with ${code}`));
    child.stderr?.on("data", (data) => log.push(String(data)));
    child.stdout?.on("data", (data) => {
      log.push(String(data));
      const banner = parseBanner(log.join(""));
      if (!banner) return;
      clearTimeout(timer);
      done(banner);
    });
  });
}

function parseBanner(text: string): Banner | undefined {
  const value = (label: string) => new RegExp(`^ *${label} +(\\S+)`, "m").exec(text)?.[1];
  const [url, redisURL] = [value("Web client"), value("Redis")];
  if (!url || !redisURL || !value("Data")) return undefined;
  const setupToken = value("Setup token");
  return setupToken ? { url, redisURL, setupToken } : { url, redisURL };
}
