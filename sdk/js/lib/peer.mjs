// JSON-RPC 2.0 over stdin and stdout, one message a line.

/** Messages that wait to be written go out at once when they have this many characters. */
const flushAt = 256 * 1024;

/** One end of the connection to the worker. */
export class Peer {
  #methods;
  #write;
  #pending = new Map();
  #lastId = 0;
  #partial = "";
  #waiting = "";
  #flushing;

  /** Methods are called with (params, id); id is undefined for notifications. */
  constructor(methods, write) {
    this.#methods = methods;
    this.#write = write;
  }

  /** Reads messages until the input ends, then calls onEnd. */
  listen(input, onEnd) {
    input.setEncoding("utf8");
    input.on("data", (chunk) => this.#receive(chunk));
    input.on("end", onEnd);
    input.on("error", onEnd);
  }

  /** Sends a notification; params are JSON text. */
  notify(method, params) {
    this.#send(`{"jsonrpc":"2.0","method":"${method}","params":${params}}`);
  }

  /** Sends a request with params as JSON text, and resolves to its whole response: { result } or { error }. */
  request(method, params) {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.#send(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`);
    });
  }

  /** Answers a request with a result that is JSON text. */
  reply(id, result) {
    this.#send(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
  }

  replyError(id, error) {
    this.#send(JSON.stringify({ jsonrpc: "2.0", id, error }));
  }

  /** Resolves when what was sent so far has been written. */
  async flushed() {
    if (this.#waiting === "") return;
    this.#flushing ??= resolvable();
    await this.#flushing.promise;
  }

  /** Messages of one turn of the event loop go out in one write. */
  #send(line) {
    if (this.#waiting === "") setImmediate(() => this.flush());
    this.#waiting += `${line}\n`;
    if (this.#waiting.length >= flushAt) this.flush();
  }

  /**
   * Writes what waits. The empty line in front keeps a message whole even if
   * something else left half a line in the pipe.
   */
  flush() {
    if (this.#waiting === "") return;
    this.#write(`\n${this.#waiting}`);
    this.#waiting = "";
    this.#flushing?.resolve();
    this.#flushing = undefined;
  }

  #receive(chunk) {
    const end = chunk.lastIndexOf("\n");
    if (end < 0) {
      this.#partial += chunk;
      return;
    }
    const text = this.#partial + chunk.slice(0, end);
    this.#partial = chunk.slice(end + 1);
    for (const line of text.split("\n")) {
      if (line !== "") this.#dispatch(JSON.parse(line));
    }
  }

  #dispatch(message) {
    const { id, method, params } = message;
    if (method !== undefined) {
      const handle = this.#methods[method];
      if (handle) handle(params ?? {}, id);
      else if (id !== undefined) this.replyError(id, { code: -32601, message: `no such method: ${method}` });
      return;
    }
    this.#pending.get(id)?.(message);
    this.#pending.delete(id);
  }
}

function resolvable() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
