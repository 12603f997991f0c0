import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoffDelay } from "./backoff";
import type { LiveMessage } from "./messages";
import { type Connection, LiveSocket, type LiveStatus } from "./socket";

/** The server's side of one connection. */
class Line implements Connection {
  onopen: Connection["onopen"] = null;
  onmessage: Connection["onmessage"] = null;
  onclose: Connection["onclose"] = null;
  readonly sent: unknown[] = [];

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {}
  say(message: object) {
    this.onmessage?.call(
      this as unknown as WebSocket,
      new MessageEvent("message", { data: JSON.stringify(message) }),
    );
  }
  drop(code = 1006) {
    this.onclose?.call(this as unknown as WebSocket, new CloseEvent("close", { code }));
  }
}

let lines: Line[];
let messages: LiveMessage[];
let statuses: LiveStatus[];
let renew: ReturnType<typeof vi.fn<() => Promise<boolean>>>;
let socket: LiveSocket;

const line = () => {
  const last = lines.at(-1);
  if (!last) throw new Error("not connected");
  return last;
};
const event = (seq: number) => ({ type: "active", queue: "mail", jobId: "1", ts: 1, seq });

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  messages = [];
  statuses = [];
  renew = vi.fn(async () => true);
  socket = new LiveSocket({
    connect: () => {
      const next = new Line();
      lines.push(next);
      return next;
    },
    renew,
    onMessage: (message) => messages.push(message),
    onStatus: (status) => statuses.push(status),
  });
});

afterEach(() => {
  socket.stop();
  vi.useRealTimers();
});

describe("the live connection", () => {
  it("asks for topics once, whoever wants them", () => {
    const first = socket.subscribe(["stats", "queue:mail"]);
    socket.start();
    line().say({ type: "hello", epoch: "e1", seq: 7 });
    const second = socket.subscribe(["stats"]);
    first();
    second();
    expect(line().sent).toEqual([
      { type: "subscribe", topics: ["stats", "queue:mail"] },
      { type: "unsubscribe", topics: ["queue:mail"] },
      { type: "unsubscribe", topics: ["stats"] },
    ]);
  });

  it("goes on after the last message it saw", async () => {
    socket.start();
    socket.subscribe(["queue:mail"]);
    line().say({ type: "hello", epoch: "e1", seq: 7 });
    line().say(event(8));
    line().say(event(9));
    line().drop();
    await vi.advanceTimersByTimeAsync(1000);

    expect(lines).toHaveLength(2);
    line().say({ type: "hello", epoch: "e1", seq: 20 });
    expect(line().sent).toEqual([{ type: "subscribe", topics: ["queue:mail"], since: 9, epoch: "e1" }]);
    expect(renew).not.toHaveBeenCalled();
    expect(statuses.at(-1)).toBe("open");
  });

  it("has everything loaded again if there is nothing to go on from", async () => {
    socket.start();
    line().say({ type: "hello", epoch: "e1" });
    line().drop();
    await vi.advanceTimersByTimeAsync(1000);
    line().say({ type: "hello", epoch: "e2" });
    expect(messages).toEqual([{ type: "resync", seq: 0 }]);
  });

  it("renews the credential after a refusal, and gives up if nobody is signed in", async () => {
    socket.start();
    line().say({ type: "hello", epoch: "e1", seq: 1 });
    line().drop(1008);
    await vi.advanceTimersByTimeAsync(1000);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(lines).toHaveLength(2);

    renew.mockResolvedValue(false);
    line().drop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lines).toHaveLength(2);
  });

  it("keeps trying while the server can't be reached", async () => {
    renew.mockRejectedValue(new Error("unreachable"));
    socket.start();
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      line().drop();
      await vi.advanceTimersByTimeAsync(30_000);
      expect(lines).toHaveLength(attempt + 1);
    }
  });

  it("takes a line that answers no ping for lost", async () => {
    socket.start();
    line().say({ type: "hello", epoch: "e1", seq: 1 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(line().sent).toEqual([{ type: "ping" }]);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(lines).toHaveLength(2);
  });

  it("rests while the page is hidden", async () => {
    const visibility = vi.spyOn(document, "visibilityState", "get");
    socket.start();
    line().say({ type: "hello", epoch: "e1", seq: 1 });

    visibility.mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(31_000);
    expect(statuses.at(-1)).toBe("paused");
    expect(lines).toHaveLength(1);

    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(lines).toHaveLength(2);
  });
});

describe("backoff", () => {
  it("doubles up to half a minute, half of it random", () => {
    expect(backoffDelay(0, () => 0)).toBe(250);
    expect(backoffDelay(0, () => 1)).toBe(500);
    expect(backoffDelay(3, () => 1)).toBe(4000);
    expect(backoffDelay(100, () => 1)).toBe(30_000);
  });
});
