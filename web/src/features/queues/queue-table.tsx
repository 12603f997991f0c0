import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { JobCounts, JobState } from "@/api/types";
import { stateText } from "@/components/state-badge";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { cn } from "@/lib/cn";
import { formatCompactCount, formatCount } from "@/lib/format";
import { PausedBadge } from "./queue-state";

interface QueueRow {
  name: string;
  paused: boolean;
  workers: number;
  counts: JobCounts;
}

const columns: ReadonlyArray<{ state: JobState; label: string; className?: string }> = [
  { state: "waiting", label: "Waiting" },
  { state: "active", label: "Active" },
  { state: "delayed", label: "Delayed", className: "@max-md:hidden" },
  { state: "prioritized", label: "Prioritized", className: "@max-4xl:hidden" },
  { state: "completed", label: "Completed", className: "@max-xl:hidden" },
  { state: "failed", label: "Failed" },
];

/** Queues with their counts; each count leads to its jobs. */
export function QueueTable({
  queues,
  label,
  rowAction,
}: {
  queues: readonly QueueRow[];
  label: string;
  rowAction?: (queue: QueueRow) => ReactNode;
}) {
  return (
    <Table aria-label={label}>
      <thead>
        <tr>
          <TableHead>Queue</TableHead>
          {columns.map((column) => (
            <TableHead key={column.state} className={cn("px-2 text-right @2xl:px-4", column.className)}>
              {column.label}
            </TableHead>
          ))}
          <TableHead className="px-2 text-right @2xl:px-4 @max-lg:hidden">Workers</TableHead>
          {rowAction && (
            <TableHead className="w-0 px-2">
              <span className="sr-only">Actions</span>
            </TableHead>
          )}
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <TableRow key={queue.name}>
            <TableCell className="w-full min-w-28 max-w-0">
              <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
                <Link
                  to="/queues/$queue"
                  params={{ queue: queue.name }}
                  className="min-w-0 truncate font-medium after:absolute after:inset-0 hover:underline"
                  title={queue.name}
                >
                  {queue.name}
                </Link>
                {queue.paused && <PausedBadge />}
              </span>
            </TableCell>
            {columns.map((column) => (
              <TableCell key={column.state} className={cn("px-2 text-right @2xl:px-4", column.className)}>
                <CountLink queue={queue.name} state={column.state} count={queue.counts[column.state]} />
              </TableCell>
            ))}
            <TableCell className="px-2 text-right tabular-nums @2xl:px-4 @max-lg:hidden">
              {queue.workers === 0 ? (
                <span className="text-muted-foreground">0</span>
              ) : (
                formatCount(queue.workers)
              )}
            </TableCell>
            {rowAction && <TableCell className="px-2 text-right">{rowAction(queue)}</TableCell>}
          </TableRow>
        ))}
      </tbody>
    </Table>
  );
}

function CountLink({ queue, state, count }: { queue: string; state: JobState; count: number }) {
  if (count === 0) return <span className="text-muted-foreground">0</span>;
  return (
    <Link
      to="/queues/$queue"
      params={{ queue }}
      search={{ state }}
      title={formatCount(count)}
      className={cn("relative z-10 font-medium tabular-nums hover:underline", stateText[state])}
    >
      {formatCompactCount(count)}
    </Link>
  );
}
