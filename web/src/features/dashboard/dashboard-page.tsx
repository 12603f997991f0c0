import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ListTree } from "lucide-react";
import type { Stats } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { backlog } from "@/features/queues/queries";
import { QueueTable } from "@/features/queues/queue-table";
import { plural } from "@/lib/format";
import { useLiveTopics, usePolling } from "@/live/context";
import { topics } from "@/live/messages";
import { useHistory } from "./history";
import { statsQuery } from "./queries";
import { RecentFailures } from "./recent-failures";
import { Totals } from "./totals";
import { WorkerSummary } from "./worker-summary";

const shownQueues = 10;

export function DashboardPage() {
  useLiveTopics(topics.stats, topics.queues);
  const refetchInterval = usePolling({ live: 30_000, fallback: 3_000 });
  const { data: stats, error, refetch, dataUpdatedAt } = useQuery({ ...statsQuery, refetchInterval });
  const samples = useHistory(stats?.jobs, dataUpdatedAt);

  if (!stats && error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  return (
    <Page title="Dashboard" description={stats && summary(stats)}>
      <Totals counts={stats?.jobs} samples={samples} />
      <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="flex min-w-0 flex-col gap-5">
          <BusiestQueues stats={stats} />
          <WorkerSummary />
        </div>
        {stats && <RecentFailures stats={stats} />}
      </div>
    </Page>
  );
}

function summary(stats: Stats): string {
  const parts = [plural(stats.queues, "queue"), `${plural(stats.workers, "worker")} connected`];
  if (stats.pausedQueues > 0) parts.push(`${stats.pausedQueues} paused`);
  return parts.join(" · ");
}

function BusiestQueues({ stats }: { stats: Stats | undefined }) {
  const queues = [...(stats?.perQueue ?? [])]
    .sort((a, b) => weight(b) - weight(a) || a.name.localeCompare(b.name))
    .slice(0, shownQueues);
  const link = stats && stats.queues > shownQueues && (
    <Link to="/queues" className="text-primary hover:underline">
      All {plural(stats.queues, "queue")}
    </Link>
  );
  return (
    <Card title="Queues" actions={link} bodyClassName="p-0">
      {!stats && <SkeletonRows label="Loading queues" />}
      {stats && queues.length === 0 && (
        <EmptyState
          icon={ListTree}
          title="No queues yet"
          action={
            <Link to="/queues" className={buttonVariants()}>
              Create a queue
            </Link>
          }
        >
          A queue also appears by itself when a worker serves it or a BullMQ program adds a job to it.
        </EmptyState>
      )}
      {queues.length > 0 && <QueueTable label="Busiest queues" queues={queues} />}
    </Card>
  );
}

/** What a queue is sorted by: what moves or waits first, then what failed. */
function weight(queue: Stats["perQueue"][number]): number {
  return (queue.counts.active + backlog(queue.counts)) * 1000 + queue.counts.failed;
}
