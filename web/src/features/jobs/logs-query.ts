import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { keys } from "@/api/keys";

/** Lines asked for at a time. */
const pageLines = 1000;
/** Lines kept in the page; older ones of a longer log are left out. */
export const keptLines = 5000;
/** Parts read in one go, so that an endless log can't hold the page up. */
const partsPerRead = 50;

export interface JobLog {
  lines: string[];
  /** How many lines the log has in all. */
  total: number;
  /** The number of the first line in lines, from 0. */
  first: number;
  /** Where the last part began, to read on from there; undefined for the log's beginning. */
  lastCursor: string | undefined;
  /** The number of the line at which the last part began. */
  lastFirst: number;
}

export interface LogPart {
  items: string[];
  nextCursor?: string;
  total: number;
}

const emptyLog: JobLog = { lines: [], total: 0, first: 0, lastCursor: undefined, lastFirst: 0 };

/** Reads a log from where it was left, up to its end. The last part is read again, for it may have grown. */
export async function readOn(
  before: JobLog | undefined,
  read: (cursor: string | undefined) => Promise<LogPart>,
): Promise<JobLog> {
  let log = before ?? emptyLog;
  for (let part = 0; part < partsPerRead; part += 1) {
    const { items, nextCursor, total } = await read(log.lastCursor);
    log = withPart(log, items, total);
    if (nextCursor === undefined) break;
    log = { ...log, lastCursor: nextCursor, lastFirst: log.lastFirst + items.length };
  }
  return log;
}

function withPart(log: JobLog, items: string[], total: number): JobLog {
  const earlier = log.lines.slice(0, Math.max(0, log.lastFirst - log.first));
  const lines = [...earlier, ...items];
  const surplus = Math.max(0, lines.length - keptLines);
  const first = log.first + surplus;
  return { ...log, lines: lines.slice(surplus), total, first };
}

export function jobLogsQuery(queue: string, id: string) {
  const queryKey = keys.jobLogs(queue, id);
  return queryOptions({
    queryKey,
    queryFn: ({ signal, client }) =>
      readOn(client.getQueryData<JobLog>(queryKey), (cursor) =>
        unwrap(
          api.GET("/api/v1/queues/{queue}/jobs/{id}/logs", {
            params: { path: { queue, id }, query: { cursor, limit: pageLines } },
            signal,
          }),
        ),
      ),
  });
}
