import { EventEmitter } from "node:events";
import type { IQueueBackend, RateLimiterOptions, WorkerOptions } from "bullmq";
import type { Channel } from "./channel.ts";
import { type Command, commandError } from "./errors.ts";
import { parseJobKey, queueKeys } from "./keys.ts";

/** The options of BullMQ's classes that a backend reads, whichever class it serves. */
export interface SessionOptions
  extends Partial<
    Pick<
      WorkerOptions,
      | "lockDuration"
      | "maxStalledCount"
      | "metrics"
      | "name"
      | "prefix"
      | "removeOnComplete"
      | "removeOnFail"
      | "stalledInterval"
    >
  > {
  limiter?: RateLimiterOptions;
}

type LifecycleEvent = "ready" | "error" | "close";

/** Of IQueueBackend the part that is about the connection and the queue's name. */
type Lifecycle = Pick<
  IQueueBackend,
  | "clientName"
  | "close"
  | "closing"
  | "disconnect"
  | "disconnectBlocking"
  | "keys"
  | "maximumBlockTimeout"
  | "minimumBlockTimeout"
  | "parseNodeKey"
  | "qualifiedName"
  | "reconnectBlocking"
  | "setName"
  | "toKey"
  | "waitUntilReady"
>;

/** A connection to the bridge on behalf of one queue. */
export class Session extends EventEmitter<Record<LifecycleEvent, unknown[]>> implements Lifecycle {
  readonly minimumBlockTimeout = 0.001;
  readonly maximumBlockTimeout = 10;
  readonly qualifiedName: string;
  readonly keys: Record<string, string>;
  closing: Promise<void> | undefined;
  private readonly ready: Promise<void>;

  /**
   * @param channel - the way to the bridge
   * @param name - the queue
   * @param opts - the options of the class that the session serves
   * @param shared - the readiness of the session whose channel this is, if it is another's
   * @param worker - whether a worker will wait for jobs on this session
   */
  protected constructor(
    protected readonly channel: Channel,
    protected readonly name: string,
    protected readonly opts: SessionOptions,
    private readonly shared?: Promise<void>,
    worker = false,
  ) {
    super();
    this.qualifiedName = `${opts.prefix ?? "bull"}:${name}`;
    this.keys = queueKeys(this.qualifiedName);
    this.ready = shared ?? this.open(worker);
  }

  private open(worker: boolean): Promise<void> {
    this.channel.on("error", (error: Error) => this.emit("error", error));
    this.channel.on("close", () => this.emit("close"));
    const params = worker ? { worker: this.opts.name ?? "" } : {};
    const ready = this.channel.request<void>(this.qualifiedName, "open", params);
    // Whoever needs the session to be ready sees the failure, too.
    ready.then(
      () => this.emit("ready"),
      (error: Error) => this.listenerCount("error") > 0 && this.emit("error", error),
    );
    return ready;
  }

  protected sibling(): Promise<void> {
    return this.ready;
  }

  async waitUntilReady(): Promise<void> {
    await this.ready;
  }

  close(force = false): Promise<void> {
    if (this.shared) {
      return Promise.resolve();
    }
    this.closing ??= this.channel.close(force);
    return this.closing;
  }

  async disconnect(): Promise<void> {
    if (!this.shared) {
      await this.channel.close(true);
    }
  }

  /** Is done when the name is on its way: nothing depends on it, and a reader of events must not be late. */
  async setName(name: string): Promise<void> {
    this.call("setName", { name }).catch(() => undefined);
  }

  async disconnectBlocking(): Promise<void> {
    await this.call("disconnectBlocking");
  }

  async reconnectBlocking(): Promise<void> {
    await this.call("reconnectBlocking");
  }

  toKey(type: string): string {
    return `${this.qualifiedName}:${type}`;
  }

  parseNodeKey(key: string): { prefix: string; queueName: string; id: string } {
    return parseJobKey(key);
  }

  clientName(suffix = ""): string {
    return `${this.opts.prefix ?? "bull"}:${Buffer.from(this.name).toString("base64")}${suffix}`;
  }

  /** Calls the bridge about this session's queue. A command names the failure in BullMQ's words. */
  protected async call<T>(
    method: string,
    params: object = {},
    command?: Omit<Command, "name"> & { name?: string },
    now?: number,
  ): Promise<T> {
    try {
      return await this.channel.request<T>(this.qualifiedName, method, params, now);
    } catch (error) {
      throw commandError(error, { ...params, name: method, ...command });
    }
  }
}
