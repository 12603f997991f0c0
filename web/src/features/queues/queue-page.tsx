import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Inbox, ListX, Plus } from "lucide-react";
import { useEffect, useRef } from "react";
import { isNotFound } from "@/api/error";
import { type JobState, jobStates, type Queue } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { Pager } from "@/components/pager";
import { stateLabel, stateText } from "@/components/state-badge";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useCan } from "@/features/auth/queries";
import { JobTable } from "@/features/jobs/job-table";
import { jobsQuery } from "@/features/jobs/queries";
import { cn } from "@/lib/cn";
import { formatCompactCount, plural } from "@/lib/format";
import { useLiveTopics, usePolling } from "@/live/context";
import { topics } from "@/live/messages";
import { PauseButton } from "./pause-button";
import { queueQuery } from "./queries";
import { PausedBadge } from "./queue-state";

export function QueuePage() {
  const { queue: name } = useParams({ from: "/app/queues/$queue" });
  const { state: chosen, cursor } = useSearch({ from: "/app/queues/$queue" });
  useLiveTopics(topics.stats, topics.queue(name));
  const refetchInterval = usePolling({ live: 30_000, fallback: 5_000 });
  const { data: queue, error, refetch } = useQuery({ ...queueQuery(name), refetchInterval });
  const state = chosen ?? "waiting";

  if (!queue && isNotFound(error)) {
    return (
      <EmptyState
        page
        icon={ListX}
        title={`There is no queue called ${name}`}
        action={
          <Link to="/queues" className={buttonVariants()}>
            See all queues
          </Link>
        }
      />
    );
  }
  if (!queue && error) return <ErrorState error={error} onRetry={() => void refetch()} />;

  return (
    <Page
      title={name}
      heading={
        <span className="flex flex-wrap items-center gap-2.5">
          {name} {queue?.paused && <PausedBadge />}
        </span>
      }
      description={queue && <QueueSummary queue={queue} />}
      actions={queue && <QueueActions queue={queue} />}
    >
      <Card bodyClassName="p-0">
        <StateTabs name={name} state={state} queue={queue} />
        <JobList key={`${name}/${state}`} queue={name} state={state} cursor={cursor} />
      </Card>
    </Page>
  );
}

function QueueSummary({ queue }: { queue: Queue }) {
  const parts = [
    queue.workers === 0 ? "No worker serves this queue" : `Served by ${plural(queue.workers, "worker")}`,
  ];
  if (queue.concurrency > 0) parts.push(`at most ${plural(queue.concurrency, "job")} at once`);
  if (queue.rateLimit) parts.push(`at most ${queue.rateLimit.max} every ${queue.rateLimit.duration} ms`);
  return parts.join(" · ");
}

function QueueActions({ queue }: { queue: Queue }) {
  const maySubmit = useCan("jobs:write");
  return (
    <>
      <PauseButton queue={queue.name} paused={queue.paused} />
      {maySubmit && (
        <Link
          to="/jobs/new"
          search={{ queue: queue.name }}
          className={buttonVariants({ variant: "primary" })}
        >
          <Plus aria-hidden="true" /> New job
        </Link>
      )}
    </>
  );
}

/** The states as tabs. They are links, so each has an address. */
function StateTabs({ name, state, queue }: { name: string; state: JobState; queue: Queue | undefined }) {
  const tabs = useRef<HTMLElement>(null);

  // On a narrow page the tabs scroll; the current one has to be in view.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the state says which tab it is, the counts how wide all are
  useEffect(() => {
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [state, queue === undefined]);

  return (
    <nav ref={tabs} aria-label="Job states" className="flex overflow-x-auto border-b px-2">
      {jobStates.map((candidate) => {
        const current = candidate === state;
        const count = queue?.counts[candidate] ?? 0;
        return (
          <Link
            key={candidate}
            to="/queues/$queue"
            params={{ queue: name }}
            search={{ state: candidate }}
            aria-current={current ? "page" : undefined}
            className={cn(
              "flex h-11 shrink-0 items-center gap-2 border-transparent border-b-2 px-3 text-muted-foreground hover:text-foreground focus-visible:-outline-offset-2",
              current && "border-primary font-medium text-foreground",
            )}
          >
            {stateLabel(candidate)}
            <span
              className={cn(
                "text-xs tabular-nums",
                count > 0 ? stateText[candidate] : "text-muted-foreground",
              )}
            >
              {queue ? formatCompactCount(count) : "–"}
            </span>
          </Link>
        );
      })}
    </nav>
  );
}

function JobList({ queue, state, cursor }: { queue: string; state: JobState; cursor: string | undefined }) {
  const navigate = useNavigate({ from: "/queues/$queue" });
  const refetchInterval = usePolling({ live: 30_000, fallback: 3_000 });
  const { data, error, refetch } = useQuery({ ...jobsQuery(queue, state, cursor), refetchInterval });

  if (!data) {
    return error ? (
      <ErrorState error={error} onRetry={() => void refetch()} />
    ) : (
      <SkeletonRows label="Loading jobs" />
    );
  }
  if (data.items.length === 0) return <NoJobs queue={queue} state={state} onward={cursor !== undefined} />;
  return (
    <>
      <JobTable jobs={data.items} state={state} queue={queue} />
      <Pager
        summary={
          data.total === undefined ? `${plural(data.items.length, "job")} shown` : plural(data.total, "job")
        }
        atStart={!cursor}
        hasMore={data.nextCursor !== undefined}
        onFirst={() => void navigate({ search: { state } })}
        onNext={() => void navigate({ search: { state, cursor: data.nextCursor } })}
      />
    </>
  );
}

function NoJobs({ queue, state, onward }: { queue: string; state: JobState; onward: boolean }) {
  if (onward) {
    return (
      <EmptyState
        icon={Inbox}
        title="No more jobs here"
        action={
          <Link to="/queues/$queue" params={{ queue }} search={{ state }} className={buttonVariants()}>
            Back to the first page
          </Link>
        }
      >
        The jobs of this page have moved on since.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={Inbox} title={`No ${stateLabel(state).toLowerCase()} jobs`}>
      Jobs appear here by themselves. Add one with New job, or see the other states.
    </EmptyState>
  );
}
