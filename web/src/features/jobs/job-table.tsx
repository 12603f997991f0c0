import { Link } from "@tanstack/react-router";
import type { Job, JobState } from "@/api/types";
import { RelativeTime } from "@/components/relative-time";
import { ProgressBar } from "@/components/ui/progress";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { formatDuration } from "@/lib/time";
import { percentOf, runTime } from "./job-facts";

interface Column {
  label: string;
  cell: (job: Job) => React.ReactNode;
  className?: string;
}

const created: Column = {
  label: "Created",
  cell: (job) => <RelativeTime time={job.timestamp} />,
  className: "max-sm:hidden",
};
const started: Column = {
  label: "Started",
  cell: (job) => job.processedOn !== undefined && <RelativeTime time={job.processedOn} />,
};
const finished: Column = {
  label: "Finished",
  cell: (job) => job.finishedOn !== undefined && <RelativeTime time={job.finishedOn} />,
};
const took: Column = {
  label: "Took",
  cell: (job) => {
    const span = runTime(job);
    return span !== undefined && formatDuration(span);
  },
  className: "text-right max-sm:hidden",
};
const attempts: Column = {
  label: "Attempts",
  cell: (job) => `${job.attemptsMade} of ${job.opts.attempts ?? 1}`,
  className: "max-md:hidden",
};
const reason: Column = {
  label: "Reason",
  cell: (job) => (
    <span className="block truncate text-destructive" title={job.failedReason}>
      {job.failedReason}
    </span>
  ),
  className: "max-w-0 w-2/5 max-md:hidden",
};
const due: Column = {
  label: "Due",
  cell: (job) => <RelativeTime time={job.timestamp + job.delay} />,
};
const priority: Column = { label: "Priority", cell: (job) => job.priority, className: "text-right" };
const progress: Column = {
  label: "Progress",
  cell: (job) => {
    const percent = percentOf(job.progress);
    return (
      percent !== undefined && (
        <ProgressBar value={percent} label={`Progress of job ${job.id}`} className="w-28" />
      )
    );
  },
  className: "max-sm:hidden",
};

const columnsOf: Record<JobState, readonly Column[]> = {
  waiting: [created, attempts],
  prioritized: [priority, created],
  delayed: [due, created, attempts],
  "waiting-children": [created],
  active: [started, progress, attempts],
  completed: [finished, took, attempts],
  failed: [reason, finished, attempts],
};

/** Jobs of one state, each with what matters in that state. */
export function JobTable({ jobs, state, queue }: { jobs: readonly Job[]; state: JobState; queue: string }) {
  const columns = columnsOf[state];
  return (
    <Table aria-label={`Jobs in ${queue}`}>
      <thead>
        <tr>
          <TableHead>Job</TableHead>
          {columns.map((column) => (
            <TableHead key={column.label} className={column.className}>
              {column.label}
            </TableHead>
          ))}
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <TableRow key={job.id}>
            <TableCell className="w-full min-w-40 max-w-0 py-2 sm:w-auto">
              <Link
                to="/queues/$queue/jobs/$jobId"
                params={{ queue, jobId: job.id }}
                className="flex min-w-0 items-baseline gap-2 after:absolute after:inset-0 hover:underline"
              >
                <span className="max-w-[70%] shrink-0 truncate font-medium">{job.name}</span>
                <span className="truncate font-mono text-muted-foreground text-xs">{job.id}</span>
              </Link>
              {state === "failed" && (
                <p className="truncate text-[0.8125rem] text-destructive md:hidden">{job.failedReason}</p>
              )}
            </TableCell>
            {columns.map((column) => (
              <TableCell key={column.label} className={column.className}>
                <span className="whitespace-nowrap tabular-nums">{column.cell(job)}</span>
              </TableCell>
            ))}
          </TableRow>
        ))}
      </tbody>
    </Table>
  );
}
