import { backoffDelay } from "./backoff";
import { isEvent, type LiveMessage, parseMessage } from "./messages";

export type LiveStatus =
  /** The first connection is being made, or one was lost and is being made again. */
  | "connecting"
  /** Messages arrive. */
  | "open"
  /** The page is hidden, so nothing is asked for. */
  | "paused";

/** The part of WebSocket that is used. */
export type Connection = Pick<WebSocket, "send" | "close" | "onopen" | "onmessage" | "onclose">;

export interface LiveSocketOptions {
  connect: () => Connection;
  /** Makes the credential of the connection good again; false if nobody is signed in. */
  renew: () => Promise<boolean>;
  onMessage: (message: LiveMessage) => void;
  onStatus: (status: LiveStatus) => void;
}

/** The server's close code for a credential that has expired or was revoked. */
const unauthorized = 1008;
/** A connection that says nothing for this long is asked for a sign of life. */
const quietLimit = 30_000;
const pongLimit = 10_000;
/** How long a page may be hidden before its connection is given up. */
const hiddenLimit = 30_000;

/**
 * One connection to the live feed, made again whenever it is lost. Topics are
 * counted, so parts of a page can ask for the same one. After a reconnect the
 * server is told the last message seen and sends what was missed.
 */
export class LiveSocket {
  private readonly topics = new Map<string, number>();
  private connection: Connection | undefined;
  private ready = false;
  private epoch = "";
  private seq = 0;
  private attempt = 0;
  private running = false;
  private reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  private quietTimer: ReturnType<typeof setTimeout> | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: LiveSocketOptions) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    document.addEventListener("visibilitychange", this.onVisibility);
    window.addEventListener("online", this.onOnline);
    this.open();
  }

  stop(): void {
    this.running = false;
    document.removeEventListener("visibilitychange", this.onVisibility);
    window.removeEventListener("online", this.onOnline);
    clearTimeout(this.hiddenTimer);
    this.disconnect();
  }

  /** Asks for topics until the returned function is called. */
  subscribe(wanted: readonly string[]): () => void {
    const fresh = wanted.filter((topic) => !this.topics.has(topic));
    for (const topic of wanted) this.topics.set(topic, (this.topics.get(topic) ?? 0) + 1);
    if (fresh.length > 0) this.command({ type: "subscribe", topics: fresh });
    return () => this.unsubscribe(wanted);
  }

  private unsubscribe(wanted: readonly string[]): void {
    const gone: string[] = [];
    for (const topic of wanted) {
      const left = (this.topics.get(topic) ?? 0) - 1;
      if (left > 0) {
        this.topics.set(topic, left);
      } else if (this.topics.delete(topic)) {
        gone.push(topic);
      }
    }
    if (gone.length > 0) this.command({ type: "unsubscribe", topics: gone });
  }

  private open(): void {
    clearTimeout(this.reconnectTimer);
    this.options.onStatus("connecting");
    const connection = this.options.connect();
    this.connection = connection;
    connection.onmessage = (event) => {
      if (this.connection === connection) this.receive(parseMessage(event.data));
    };
    connection.onclose = (event) => {
      if (this.connection === connection) this.lost(event.code);
    };
    this.watchQuiet();
  }

  private receive(message: LiveMessage | undefined): void {
    this.watchQuiet();
    if (!message) return;
    if (message.type === "hello") {
      this.greet(message);
      return;
    }
    if (message.type === "resync") {
      this.seq = message.seq;
      this.epoch = message.epoch ?? this.epoch;
    } else if (isEvent(message)) {
      this.seq = Math.max(this.seq, message.seq);
    }
    this.options.onMessage(message);
  }

  private greet(hello: { epoch: string; seq: number }): void {
    const again = this.epoch !== "";
    const wanted = [...this.topics.keys()];
    const since = this.seq > 0 ? { since: this.seq, epoch: this.epoch } : {};
    this.ready = true;
    this.attempt = 0;
    this.options.onStatus("open");
    if (wanted.length > 0) this.command({ type: "subscribe", topics: wanted, ...since });
    if (this.seq > 0 && wanted.length > 0) return;
    // Nothing to resume from: numbers count from here, and what was shown before may be old.
    this.seq = hello.seq;
    this.epoch = hello.epoch;
    if (again) this.options.onMessage({ type: "resync", seq: hello.seq });
  }

  private command(command: object): void {
    if (this.ready) this.connection?.send(JSON.stringify(command));
  }

  private lost(code: number): void {
    // A refused handshake shows as an abnormal close; scripts are not told its status.
    const credentialInDoubt = code === unauthorized || !this.ready;
    this.disconnect();
    if (!this.running) return;
    this.options.onStatus("connecting");
    const delay = backoffDelay(this.attempt);
    this.attempt += 1;
    this.reconnectTimer = setTimeout(() => void this.reopen(credentialInDoubt), delay);
  }

  private async reopen(credentialInDoubt: boolean): Promise<void> {
    if (credentialInDoubt && !(await this.stillGood())) return;
    if (this.running && !this.connection) this.open();
  }

  private async stillGood(): Promise<boolean> {
    try {
      return await this.options.renew();
    } catch {
      return true; // the server is in trouble, not the credential
    }
  }

  private disconnect(): void {
    clearTimeout(this.reconnectTimer);
    clearTimeout(this.quietTimer);
    const connection = this.connection;
    this.connection = undefined;
    this.ready = false;
    connection?.close();
  }

  private watchQuiet(): void {
    clearTimeout(this.quietTimer);
    this.quietTimer = setTimeout(() => {
      this.command({ type: "ping" });
      this.quietTimer = setTimeout(() => this.lost(0), pongLimit);
    }, quietLimit);
  }

  private readonly onOnline = (): void => {
    if (this.running && !this.connection && document.visibilityState === "visible") this.open();
  };

  private readonly onVisibility = (): void => {
    clearTimeout(this.hiddenTimer);
    if (document.visibilityState === "visible") {
      if (!this.connection) {
        this.attempt = 0;
        this.open();
      }
      return;
    }
    this.hiddenTimer = setTimeout(() => {
      this.disconnect();
      this.options.onStatus("paused");
    }, hiddenLimit);
  };
}
