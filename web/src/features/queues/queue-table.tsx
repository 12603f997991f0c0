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
  { state: "delayed", label: "Delayed", className: "max-sm:hidden" },
  { state: "prioritized", label: "Prioritized", className: "max-lg:hidden" },
  { state: "completed", label: "Completed", className: "max-lg:hidden" },
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
            <TableHead key={column.state} className={cn("px-2 text-right sm:px-4", column.className)}>
              {column.label}
            </TableHead>
          ))}
          <TableHead className="text-right max-md:hidden">Workers</TableHead>
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
            <TableCell className="max-w-0 min-w-32 sm:w-2/5">
              <span className="flex min-w-0 items-center gap-2">
                <Link
                  to="/queues/$queue"
                  params={{ queue: queue.name }}
                  className="truncate font-medium after:absolute after:inset-0 hover:underline"
                  title={queue.name}
                >
                  {queue.name}
                </Link>
                {queue.paused && <PausedBadge />}
              </span>
            </TableCell>
            {columns.map((column) => (
              <TableCell key={column.state} className={cn("px-2 text-right sm:px-4", column.className)}>
                <CountLink queue={queue.name} state={column.state} count={queue.counts[column.state]} />
              </TableCell>
            ))}
            <TableCell className="text-right max-md:hidden">
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
  if (count === 0) return <span className="text-muted-foreground/70">0</span>;
  return (
    <Link
      to="/queues/$queue"
      params={{ queue }}
      search={{ state }}
      title={formatCount(count)}
      className={cn("relative z-10 font-medium hover:underline", stateText[state])}
    >
      {formatCompactCount(count)}
    </Link>
  );
}
