import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const maxFrame = 500;
const own = new URL("..", import.meta.url).href;

/** The place in the author's own files that an error came from, as far as its stack tells. */
export function locate(error) {
  for (const line of String(error?.stack ?? "").split("\n")) {
    const match = /(?:\(|at (?:async )?)(file:\/\/[^)]+|\/[^)]+):(\d+):(\d+)\)?$/.exec(line.trim());
    if (!match || match[1].startsWith(own)) continue;
    const file = match[1].startsWith("file:") ? fileURLToPath(match[1]) : match[1];
    const at = { file, line: Number(match[2]), column: Number(match[3]) };
    return { ...at, frame: lineOf(at) };
  }
  return {};
}

function lineOf({ file, line }) {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1]?.slice(0, maxFrame);
  } catch {
    return undefined;
  }
}
