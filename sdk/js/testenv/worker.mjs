// Plays the worker for a real host process: starts host.mjs on a module and speaks
// the protocol with it over its standard streams.

import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const sdk = fileURLToPath(new URL("..", import.meta.url));

/**
 * Starts a host for the text of a module, which ends with the test. The module has
 * a copy of the package of its own, as a bundle has.
 */
export async function startHost(t, text, options) {
  const host = await openHost(t, text, options);
  await host.loaded;
  return host;
}

/** Is startHost for modules that may not load: host.loaded tells. */
export async function openHost(
  t,
  text,
  { name = "module.mjs", protocol = 2, maxResultBytes = 1 << 20 } = {},
) {
  const dir = await mkdtemp(join(tmpdir(), "jobrunner-sdk-"));
  const file = join(dir, name);
  for (const part of ["index.mjs", "lib"])
    await cp(join(sdk, part), join(dir, "sdk", part), { recursive: true });
  await writeFile(file, text.replaceAll("@jobrunner/handler", "./sdk/index.mjs"));
  const host = new HostProcess(file);
  t.after(async () => {
    await host.end();
    await rm(dir, { recursive: true, force: true });
  });
  host.loaded = host.request("initialize", { protocol, maxResultBytes });
  return host;
}

class HostProcess {
  /** Lines of stdout that are no messages, and the text of stderr. */
  rubbish = [];
  stderr = "";
  /** Notifications as they came: { method, call, … }. */
  notes = [];
  /** Requests as they came: { method, call, … }. */
  asked = [];
  /** What requests are answered with, by method: a function of the params. */
  answers = {};
  #child;
  #pending = new Map();
  #lastId = 0;
  #watchers = new Set();

  constructor(file) {
    this.#child = spawn(process.execPath, ["--enable-source-maps", join(sdk, "host.mjs"), file, file]);
    this.pid = this.#child.pid;
    this.exited = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        for (const { reject } of this.#pending.values()) reject(new Error(`host ended: ${code ?? signal}`));
        resolve(code ?? signal);
      });
    });
    this.#child.stdin.on("error", () => {}); // its end shows in exited
    this.#child.stderr.on("data", (chunk) => {
      this.stderr += chunk;
      this.#changed();
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#receive(line));
  }

  /** Ends the host as a worker does, and resolves to its exit code. */
  async end() {
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    const code = await this.exited;
    clearTimeout(late);
    return code;
  }

  write(text) {
    this.#child.stdin.write(text);
  }

  notify(method, params) {
    this.write(`${JSON.stringify({ jsonrpc: "2.0", method, params })}\n`);
  }

  request(method, params) {
    return this.#request(method, params).answer;
  }

  /** Is request, but writes the message in pieces of so many bytes. */
  async requestInPieces(method, params, size) {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n\n`);
    for (let start = 0; start < bytes.length; start += size) {
      this.write(bytes.subarray(start, start + size));
      await new Promise(setImmediate);
    }
    return answer;
  }

  /** Runs a job; fields replace those of a plain one. */
  run(data, fields = {}) {
    return this.begin(data, fields).answer;
  }

  /** Runs a job, and returns its call beside its answer. */
  begin(data, { handler = "module", ...fields } = {}) {
    const job = {
      id: "7",
      name: handler,
      queue: "q",
      prefix: "bull",
      data,
      opts: { attempts: 3 },
      attempt: 2,
      maxAttempts: 3,
      attemptsStarted: 4,
      priority: 0,
      timestamp: 1_700_000_000_000,
      ...fields,
    };
    return this.#request("execute", { handler, job });
  }

  /** Resolves when the condition holds; it is asked whenever something comes. */
  async until(condition) {
    if (condition()) return;
    await new Promise((resolve, reject) => {
      const timeout = setTimeout(
        () => reject(new Error(`nothing came in time; stderr: ${this.stderr}`)),
        20_000,
      );
      const watch = () => {
        if (!condition()) return;
        clearTimeout(timeout);
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
    });
  }

  /** The log lines of a call, or of all. */
  logged(call) {
    return this.notes
      .filter((note) => note.method === "log" && (call === undefined || note.call === call))
      .map((note) => note.line);
  }

  #request(method, params) {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    answer.catch(() => {}); // a test that does not wait for it need not hear of it
    this.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return { call: id, answer };
  }

  #receive(line) {
    const message = parse(line);
    if (!message) {
      if (line !== "") this.rubbish.push(line);
    } else if (message.method === undefined) {
      const { resolve, reject } = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error) reject(Object.assign(new Error(message.error.message), message.error));
      else resolve(message.result);
    } else if (message.id === undefined) {
      this.notes.push({ method: message.method, ...message.params });
    } else {
      this.asked.push({ method: message.method, ...message.params });
      this.#reply(message);
    }
    this.#changed();
  }

  #reply({ id, method, params }) {
    let answer;
    try {
      answer = { result: this.answers[method](params) ?? null };
    } catch (error) {
      answer = { error: { code: -32603, message: error.message } };
    }
    this.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...answer })}\n`);
  }

  #changed() {
    for (const watch of this.#watchers) watch();
  }
}

function parse(line) {
  try {
    const message = JSON.parse(line);
    return message?.jsonrpc === "2.0" ? message : undefined;
  } catch {
    return undefined;
  }
}
