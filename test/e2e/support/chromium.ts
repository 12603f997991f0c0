import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const applications = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Returns the system's Chromium, or the one that the variable CHROMIUM names. */
export function findChromium(): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = [...programs.flatMap((name) => folders.map((dir) => join(dir, name))), ...applications];
  const found = candidates.find(isExecutable);
  if (!found)
    throw new Error("no Chromium found: run scripts/install chromium, or set CHROMIUM to a program");
  return found;
}
