import type { DependenciesOpts } from "bullmq";
import { parseValues } from "./codec.ts";

/** A parent's children by how far they are, all of them or a page of some kinds. */
export interface Dependencies {
  processed?: Record<string, unknown>;
  unprocessed?: string[];
  ignored?: Record<string, string>;
  failed?: string[];
  nextProcessedCursor?: number;
  nextUnprocessedCursor?: number;
  nextIgnoredCursor?: number;
  nextFailedCursor?: number;
}

/** One step over the children of a kind: keys, or keys and values in turn. */
type Scan = (params: {
  kind: "processed" | "unprocessed" | "ignored" | "failed";
  cursor: number;
  count: number;
}) => Promise<{ cursor: number; items: string[] }>;

/** Reads a page of each kind of children that is asked for. */
export async function childrenPages(opts: DependenciesOpts, scan: Scan): Promise<Dependencies> {
  const pages: Dependencies = {};
  const page = { cursor: 0, count: 20 };
  if (opts.processed) {
    const { cursor, items } = await scan({ kind: "processed", ...page, ...opts.processed });
    pages.processed = parseValues(pairs(items));
    pages.nextProcessedCursor = cursor;
  }
  if (opts.unprocessed) {
    const { cursor, items } = await scan({ kind: "unprocessed", ...page, ...opts.unprocessed });
    pages.unprocessed = items;
    pages.nextUnprocessedCursor = cursor;
  }
  if (opts.ignored) {
    const { cursor, items } = await scan({ kind: "ignored", ...page, ...opts.ignored });
    pages.ignored = pairs(items);
    pages.nextIgnoredCursor = cursor;
  }
  if (opts.failed) {
    const { cursor, items } = await scan({ kind: "failed", ...page, ...opts.failed });
    pages.failed = items;
    pages.nextFailedCursor = cursor;
  }
  return pages;
}

function pairs(flat: string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) {
    record[flat[i] as string] = flat[i + 1] as string;
  }
  return record;
}
