import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

const maxStack = 64 * 1024;

/** What the worker is told of anything that was thrown. */
export function describeError(thrown) {
  if (!(thrown instanceof Error) && typeof thrown?.message !== "string") {
    const message = typeof thrown === "string" ? thrown : `a value was thrown: ${inspect(thrown)}`;
    return { message, data: { name: "Error" } };
  }
  const data = { name: String(thrown.name || "Error"), stack: stackOf(thrown) };
  if (data.name === "UnrecoverableError") data.unrecoverable = true;
  if (data.name === "DelayError") data.delay = Number(thrown.delay);
  return { message: String(thrown.message), data };
}

function stackOf(error) {
  let stack = String(error.stack ?? "");
  for (
    let cause = error.cause, depth = 0;
    cause instanceof Error && depth < 5;
    cause = cause.cause, depth += 1
  ) {
    stack += `\nCaused by: ${cause.stack}`;
  }
  return stack.slice(0, maxStack);
}

/** The place in the author's own files that an error came from, as far as its stack tells. */
export function locate(error) {
  const own = new URL("..", import.meta.url).href;
  for (const line of String(error?.stack ?? "").split("\n")) {
    const match = /(?:\(|at )(file:\/\/[^)]+|\/[^)]+):(\d+):(\d+)\)?$/.exec(line.trim());
    if (!match || match[1].startsWith(own)) continue;
    const file = match[1].startsWith("file:") ? fileURLToPath(match[1]) : match[1];
    const at = { file, line: Number(match[2]), column: Number(match[3]) };
    return { ...at, frame: lineOf(at) };
  }
  return {};
}

function lineOf({ file, line }) {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1]?.slice(0, 500);
  } catch {
    return undefined;
  }
}
