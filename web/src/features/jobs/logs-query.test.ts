import { describe, expect, it, vi } from "vitest";
import { keptLines, type LogPart, readOn } from "./logs-query";

/** A log that is read in parts of two lines, with cursors only it understands. */
function growingLog(lines: string[]) {
  return vi.fn(async (cursor: string | undefined): Promise<LogPart> => {
    const from = cursor === undefined ? 0 : Number(cursor.slice("at-".length));
    const items = lines.slice(from, from + 2);
    const end = from + items.length;
    return { items, total: lines.length, nextCursor: end < lines.length ? `at-${end}` : undefined };
  });
}

describe("reading a log", () => {
  it("reads all parts and goes on where it was", async () => {
    const lines = ["a", "b", "c"];
    const read = growingLog(lines);

    const first = await readOn(undefined, read);
    expect(first).toMatchObject({ lines: ["a", "b", "c"], total: 3, first: 0 });

    lines.push("d", "e");
    read.mockClear();
    const second = await readOn(first, read);
    expect(second.lines).toEqual(["a", "b", "c", "d", "e"]);
    expect(read.mock.calls.map(([cursor]) => cursor)).toEqual(["at-2", "at-4"]);
  });

  it("reads nothing twice into the list when nothing was added", async () => {
    const read = growingLog(["a", "b"]);
    const once = await readOn(undefined, read);
    expect((await readOn(once, read)).lines).toEqual(["a", "b"]);
  });

  it("keeps the newest lines of a log that is too long", async () => {
    const lines = Array.from({ length: keptLines + 3 }, (_, line) => `line ${line}`);
    const read = async (cursor: string | undefined): Promise<LogPart> => {
      const from = Number(cursor ?? 0);
      const items = lines.slice(from, from + 1000);
      const end = from + items.length;
      return { items, total: lines.length, nextCursor: end < lines.length ? String(end) : undefined };
    };

    const log = await readOn(await readOn(undefined, read), read);

    expect(log.lines).toHaveLength(keptLines);
    expect(log.first).toBe(3);
    expect(log.lines.at(-1)).toBe(lines.at(-1));
  });
});
