import { config } from "@/lib/config";
import * as z from "@/lib/zod";
import { ApiError } from "./error";

const grantSchema = z.object({ accessToken: z.string().check(z.minLength(1)), expiresIn: z.number() });

export type Grant = z.infer<typeof grantSchema>;

/** A token this close to its end, in milliseconds, is renewed before it is used. */
const renewBefore = 20_000;

/**
 * Says in localStorage that a refresh cookie should be there, which scripts
 * can't see. Without it no one is asked for a token in vain.
 */
const hintKey = "jobrunner.signed-in";

/** Serializes refreshes of all tabs: they share the cookie, and using it twice would end the session. */
const refreshLock = "jobrunner.refresh";

type Fetch = (request: Request) => Promise<Response>;

/**
 * The signed-in state of this tab. The access token lives in memory only; the
 * refresh token is in an HttpOnly cookie that scripts can't read.
 */
export class SessionStore {
  private token: string | undefined;
  private renewAt = 0;
  private refreshing: Promise<boolean> | undefined;
  private readonly endListeners = new Set<() => void>();

  constructor(
    private readonly send: Fetch,
    private readonly base: string,
  ) {}

  get signedIn(): boolean {
    return this.token !== undefined;
  }

  /** Takes the token out of an answer of login, register or refresh. */
  begin(grant: Grant): void {
    this.token = grant.accessToken;
    this.renewAt = Date.now() + grant.expiresIn * 1000 - renewBefore;
    localStorage.setItem(hintKey, "yes");
  }

  /** Forgets the token and tells those who show the signed-in pages. */
  end(): void {
    localStorage.removeItem(hintKey);
    if (this.token === undefined) return;
    this.token = undefined;
    for (const listener of this.endListeners) listener();
  }

  onEnd(listener: () => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Makes sure there is a token, asking for one by cookie. It resolves to false if nobody is signed in. */
  async ensure(): Promise<boolean> {
    if (this.signedIn) return true;
    return localStorage.getItem(hintKey) !== null && this.refresh();
  }

  /**
   * Sends a request with the token. If the token has expired it is renewed, at
   * most once whatever the number of requests, and the request is sent again.
   */
  async fetch(request: Request): Promise<Response> {
    if (this.token !== undefined && Date.now() > this.renewAt) await this.refresh();
    const again = request.clone();
    const used = this.token;
    const response = await this.reach(this.authorized(request));
    if (response.status !== 401 || used === undefined) return response;
    // Another request may have renewed the token while this one was on its way.
    const renewed = this.token !== used || (await this.refresh());
    return renewed ? this.reach(this.authorized(again)) : response;
  }

  /** Asks for a new token by cookie; concurrent callers share one request. */
  refresh(): Promise<boolean> {
    this.refreshing ??= this.locked(() => this.requestToken()).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async requestToken(): Promise<boolean> {
    const response = await this.reach(
      new Request(`${this.base}api/v1/auth/refresh`, { method: "POST", credentials: "same-origin" }),
    );
    if (response.ok) {
      this.begin(grantSchema.parse(await response.json()));
      return true;
    }
    if (response.status !== 401 && response.status !== 403) {
      throw ApiError.of(response, await response.json().catch(() => undefined));
    }
    this.end();
    return false;
  }

  private locked(task: () => Promise<boolean>): Promise<boolean> {
    // Locks exist in secure contexts only; without them one tab at a time is the best there is.
    return "locks" in navigator ? navigator.locks.request(refreshLock, task) : task();
  }

  private authorized(request: Request): Request {
    if (this.token !== undefined) request.headers.set("Authorization", `Bearer ${this.token}`);
    return request;
  }

  private async reach(request: Request): Promise<Response> {
    try {
      return await this.send(request);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw ApiError.unreachable(error);
    }
  }
}

export const session = new SessionStore(
  (request) => fetch(request),
  new URL(config.basePath, window.location.href).href,
);
