import { EventEmitter } from "node:events";
import { createConnection, type Socket } from "node:net";
import { BridgeError, connectionClosed, lineTooLong } from "./errors.ts";

/** The longest line that is accepted from the bridge, in UTF-16 units. */
const maxLine = 64 * 1024 * 1024;

interface Reply {
  id: number;
  result?: unknown;
  error?: { code: number; message: string };
}

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  /** Whether the request waits for jobs or events, so that closing need not wait for it. */
  waits: boolean;
}

/**
 * A connection to the bridge: requests out, replies in, matched by id. It uses
 * no timers, for tests replace the clock.
 *
 * It emits `close` once the connection is gone and `error` when it is lost.
 */
export class Channel extends EventEmitter {
  private readonly socket: Socket;
  private readonly pending = new Map<number, Pending>();
  private readonly gone: Promise<void>;
  private nextId = 1;
  private unread = "";
  private closing: Promise<void> | undefined;
  private ended = false;

  constructor(path: string) {
    super();
    this.socket = createConnection({ path });
    this.socket.setEncoding("utf8");
    this.socket.on("data", (text: string) => this.read(text));
    this.socket.on("error", (error) => this.emit("error", error));
    this.gone = new Promise((resolve) => {
      this.socket.once("close", () => {
        this.ended = true;
        this.failPending(connectionClosed());
        this.emit("close");
        resolve();
      });
    });
  }

  /** Sends a request about a queue, by its qualified name, and returns its result. */
  request<T>(queue: string, method: string, params: object = {}, now = Date.now()): Promise<T> {
    return this.send<T>(queue, method, params, now, false);
  }

  /** Sends a request that waits for jobs or events. */
  wait<T>(queue: string, method: string, params: object = {}): Promise<T> {
    return this.send<T>(queue, method, params, Date.now(), true);
  }

  /** Lets what is under way end, unless forced, then closes the connection. */
  close(force: boolean): Promise<void> {
    this.closing ??= this.finish(force);
    return this.closing;
  }

  private async finish(force: boolean): Promise<void> {
    if (!force) {
      await this.settled();
    }
    this.socket.destroy();
    await this.gone;
  }

  private async settled(): Promise<void> {
    while (!this.ended && [...this.pending.values()].some((p) => !p.waits)) {
      await new Promise<void>((resolve) => {
        this.once("settled", resolve);
        this.once("close", resolve);
      });
    }
  }

  private send<T>(queue: string, method: string, params: object, now: number, waits: boolean): Promise<T> {
    if (this.closing || this.ended) {
      return Promise.reject(connectionClosed());
    }
    const id = this.nextId++;
    const line = JSON.stringify({ id, queue, method, now, params });
    return new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve: (result) => resolve(result as T), reject, waits });
      this.socket.write(`${line}\n`);
    });
  }

  private read(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      const line = this.unread + text.slice(from, end);
      this.unread = "";
      from = end + 1;
      this.settle(JSON.parse(line) as Reply);
    }
    this.unread += text.slice(from);
    if (this.unread.length > maxLine) {
      this.socket.destroy(lineTooLong(maxLine));
    }
  }

  private settle({ id, result, error }: Reply): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (error) {
      pending?.reject(new BridgeError(error.message, error.code));
    } else {
      pending?.resolve(result);
    }
    this.emit("settled");
  }

  private failPending(error: Error): void {
    for (const pending of this.pending.values()) {
      pending.reject(error);
    }
    this.pending.clear();
  }
}
