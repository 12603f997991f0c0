import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "./error";
import { SessionStore } from "./session";

const base = "http://127.0.0.1:8080/";

/** A server that accepts one token at a time and hands out numbered ones by cookie. */
function serverWith(options: { refreshStatus?: number } = {}) {
  let issued = 0;
  const send = vi.fn(async (request: Request): Promise<Response> => {
    if (request.url.endsWith("/auth/refresh")) {
      if (options.refreshStatus) return new Response("{}", { status: options.refreshStatus });
      issued += 1;
      return Response.json({ accessToken: `token-${issued}`, expiresIn: 900 });
    }
    const accepted = request.headers.get("Authorization") === `Bearer token-${issued}`;
    return accepted ? Response.json({ body: await request.text() }) : new Response("{}", { status: 401 });
  });
  return { send, store: new SessionStore(send, base) };
}

const countRefreshes = (send: ReturnType<typeof serverWith>["send"]) =>
  send.mock.calls.filter(([request]) => request.url.endsWith("/auth/refresh")).length;

beforeEach(() => localStorage.clear());

describe("session", () => {
  it("renews an expired token once for many requests and repeats each", async () => {
    const { send, store } = serverWith();
    store.begin({ accessToken: "expired", expiresIn: 900 });

    const responses = await Promise.all(
      ["a", "b", "c"].map((body) =>
        store.fetch(new Request(`${base}api/v1/queues`, { method: "POST", body })),
      ),
    );

    expect(await Promise.all(responses.map((response) => response.json()))).toEqual([
      { body: "a" },
      { body: "b" },
      { body: "c" },
    ]);
    expect(countRefreshes(send)).toBe(1);
  });

  it("renews a token that is about to expire before using it", async () => {
    const { send, store } = serverWith();
    store.begin({ accessToken: "nearly over", expiresIn: 5 });

    const response = await store.fetch(new Request(`${base}api/v1/queues`));

    expect(response.ok).toBe(true);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("asks for a token by cookie only if someone has signed in before", async () => {
    const { send, store } = serverWith();
    expect(await store.ensure()).toBe(false);
    expect(send).not.toHaveBeenCalled();

    store.begin({ accessToken: "of another tab", expiresIn: 900 });
    const reloaded = new SessionStore(send, base);
    expect(await reloaded.ensure()).toBe(true);
    expect(reloaded.signedIn).toBe(true);
  });

  it("does not renew for a wrong password", async () => {
    const { send, store } = serverWith();
    const response = await store.fetch(new Request(`${base}api/v1/auth/login`, { method: "POST" }));
    expect(response.status).toBe(401);
    expect(countRefreshes(send)).toBe(0);
  });

  it("ends when the cookie is no longer good", async () => {
    const { store } = serverWith({ refreshStatus: 401 });
    const ended = vi.fn();
    store.begin({ accessToken: "expired", expiresIn: 900 });
    store.onEnd(ended);

    const response = await store.fetch(new Request(`${base}api/v1/queues`));

    expect(response.status).toBe(401);
    expect(ended).toHaveBeenCalledOnce();
    expect(store.signedIn).toBe(false);
  });

  it("stays signed in when the server is in trouble", async () => {
    const { store } = serverWith({ refreshStatus: 503 });
    store.begin({ accessToken: "expired", expiresIn: 900 });
    await expect(store.fetch(new Request(`${base}api/v1/queues`))).rejects.toBeInstanceOf(ApiError);
    expect(store.signedIn).toBe(true);
  });

  it("says in words that the server can't be reached", async () => {
    const store = new SessionStore(() => Promise.reject(new TypeError("fetch failed")), base);
    await expect(store.fetch(new Request(base))).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });
});
