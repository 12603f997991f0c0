import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import type { Job, Stats } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { RelativeTime } from "@/components/relative-time";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { jobsQuery } from "@/features/jobs/queries";

/** Queues looked into: those with the most failures. */
const watchedQueues = 6;
const shownFailures = 8;
/** The counts arrive by themselves, the jobs behind them don't. */
const refetchInterval = 5_000;

/** The newest failed jobs of the queues that have the most. */
export function RecentFailures({ stats }: { stats: Stats }) {
  const failing = stats.perQueue
    .filter((queue) => queue.counts.failed > 0)
    .sort((a, b) => b.counts.failed - a.counts.failed)
    .slice(0, watchedQueues);
  const { jobs, loading } = useQueries({
    queries: failing.map((queue) => ({
      ...jobsQuery(queue.name, "failed", undefined, shownFailures),
      refetchInterval,
    })),
    combine: (results) => ({
      jobs: newest(results.flatMap((result) => result.data?.items ?? [])),
      loading: results.some((result) => result.isPending),
    }),
  });

  return (
    <Card title="Recent failures" bodyClassName="p-0">
      {jobs.length > 0 ? (
        <ul className="divide-y">
          {jobs.map((job) => (
            <FailureRow key={`${job.queue}/${job.id}`} job={job} />
          ))}
        </ul>
      ) : loading ? (
        <SkeletonRows rows={3} label="Loading failures" />
      ) : (
        <EmptyState icon={CircleCheck} title="No failed jobs" />
      )}
    </Card>
  );
}

function newest(jobs: readonly Job[]): Job[] {
  return [...jobs].sort((a, b) => (b.finishedOn ?? 0) - (a.finishedOn ?? 0)).slice(0, shownFailures);
}

function FailureRow({ job }: { job: Job }) {
  return (
    <li className="relative px-4 py-2.5 hover:bg-muted/60">
      <div className="flex items-baseline justify-between gap-3">
        <Link
          to="/queues/$queue/jobs/$jobId"
          params={{ queue: job.queue, jobId: job.id }}
          className="min-w-0 truncate font-medium after:absolute after:inset-0 hover:underline"
        >
          {job.name} <span className="font-normal text-muted-foreground">in {job.queue}</span>
        </Link>
        {job.finishedOn !== undefined && (
          <RelativeTime time={job.finishedOn} className="shrink-0 text-muted-foreground text-xs" />
        )}
      </div>
      <p className="truncate text-[0.8125rem] text-destructive" title={job.failedReason}>
        {job.failedReason}
      </p>
    </li>
  );
}
