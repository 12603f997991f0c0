// JSON-RPC 2.0 over stdin and stdout, one message a line.

const writeOut = process.stdout.write.bind(process.stdout);

/** One end of the connection to the worker. */
export class Peer {
  #methods;
  #pending = new Map();
  #lastId = 0;
  #lines = [];
  #rest = "";

  /** Methods are called with (params, id); id is undefined for notifications. */
  constructor(methods) {
    this.#methods = methods;
  }

  /** Reads messages until stdin ends, then ends the process: its parent has gone or wants it to. */
  listen() {
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (chunk) => this.#receive(chunk));
    process.stdin.on("end", () => process.reallyExit(0));
    process.stdin.on("error", () => process.reallyExit(0));
  }

  notify(method, params) {
    this.#send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  request(method, params) {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Answers a request with a result that is JSON text already. */
  replyText(id, text) {
    this.#send(`{"jsonrpc":"2.0","id":${id},"result":${text}}`);
  }

  replyError(id, error) {
    this.#send(JSON.stringify({ jsonrpc: "2.0", id, error }));
  }

  /**
   * Writes what is waiting; pipes are written synchronously. The empty line in front keeps
   * a message whole even if something else left half a line in the pipe.
   */
  #flush() {
    const text = this.#lines.join("");
    this.#lines = [];
    writeOut(`\n${text}`);
  }

  /** Messages of one turn of the event loop go out in one write. */
  #send(line) {
    if (this.#lines.push(`${line}\n`) === 1) queueMicrotask(() => this.#flush());
  }

  #receive(chunk) {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line !== "") this.#dispatch(JSON.parse(line));
    }
  }

  #dispatch({ id, method, params, result, error }) {
    if (method !== undefined) {
      const handle = this.#methods[method];
      if (handle) handle(params ?? {}, id);
      else if (id !== undefined) this.replyError(id, { code: -32601, message: `no such method: ${method}` });
      return;
    }
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result);
  }
}
