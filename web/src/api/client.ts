import createClient from "openapi-fetch";
import { config } from "@/lib/config";
import { ApiError } from "./error";
import type { paths } from "./schema";
import { session } from "./session";

/** The REST API, typed by its OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: new URL(config.basePath, window.location.href).href,
  fetch: (request) => session.fetch(request),
});

/** Waits for a call and returns its data. It throws an {@link ApiError} for every answer that is not a success. */
export async function unwrap<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw ApiError.of(response, error);
  return data as T;
}

/** A key that lets the server recognize a repeated submission. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
