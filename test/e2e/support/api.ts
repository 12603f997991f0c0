import { randomUUID } from "node:crypto";

interface Credentials {
  email: string;
  password: string;
}

interface Job {
  id: string;
  state: string;
  progress: unknown;
  returnValue: unknown;
  failedReason?: string;
}

/** The few calls of the REST interface that prepare a test or check its end. */
export class Api {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = `${url}/api/v1`;
    this.#token = token;
  }

  static async login(url: string, credentials: Credentials): Promise<Api> {
    const reply = await fetch(`${url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
    });
    if (!reply.ok) throw new Error(`login: ${reply.status} ${await reply.text()}`);
    const { accessToken } = (await reply.json()) as { accessToken: string };
    return new Api(url, accessToken);
  }

  addJob(queue: string, name: string, data: object): Promise<Job> {
    return this.#call("POST", `queues/${queue}/jobs`, { name, data });
  }

  job(queue: string, id: string): Promise<Job> {
    return this.#call("GET", `queues/${queue}/jobs/${id}`);
  }

  async pause(queue: string): Promise<void> {
    await this.#call("POST", `queues/${queue}/pause`);
  }

  async resume(queue: string): Promise<void> {
    await this.#call("POST", `queues/${queue}/resume`);
  }

  async #call<Reply>(method: string, path: string, body?: object): Promise<Reply> {
    const reply = await fetch(`${this.#url}/${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        "Content-Type": "application/json",
        ...(method === "POST" && { "Idempotency-Key": randomUUID() }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
    return (await reply.json()) as Reply;
  }
}
