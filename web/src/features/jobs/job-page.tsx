import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { FileX2 } from "lucide-react";
import { isNotFound } from "@/api/error";
import type { JobDetail } from "@/api/job-detail";
import type { Job } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { JsonView } from "@/components/json-view";
import { Page } from "@/components/page";
import { useNow } from "@/components/relative-time";
import { StateBadge } from "@/components/state-badge";
import { buttonVariants } from "@/components/ui/button";
import { Card, Fact, Facts } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { formatDuration } from "@/lib/time";
import { useLiveTopics, usePolling } from "@/live/context";
import { topics } from "@/live/messages";
import { JobActions } from "./job-actions";
import { runTime } from "./job-facts";
import { JobFailure } from "./job-failure";
import { JobLogs } from "./job-logs";
import { JobProgress } from "./job-progress";
import { JobTimeline } from "./job-timeline";
import { JobWaiting } from "./job-waiting";
import { jobQuery } from "./queries";

const waitingInterval = 2_000;

export function JobPage() {
  const { queue, jobId } = useParams({ from: "/app/queues/$queue/jobs/$jobId" });
  useLiveTopics(topics.job(queue, jobId));
  const interval = usePolling({ live: 20_000, fallback: 2_000 });
  const { data, error, refetch } = useQuery({
    ...jobQuery(queue, jobId),
    // What keeps a job waiting changes without an event of the job's own.
    refetchInterval: ({ state }) => (state.data?.job.waiting ? waitingInterval : interval),
  });

  // A job that was seen and is now gone has been removed, mostly by its own options.
  if (isNotFound(error)) return <JobGone queue={queue} id={jobId} wasThere={data !== undefined} />;
  if (data) return <JobView detail={data} />;
  return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <JobSkeleton />;
}

function JobView({ detail: { job, exact } }: { detail: JobDetail }) {
  const running = job.state === "active";
  return (
    <Page
      title={`${job.name} ${job.id}`}
      heading={job.name}
      description={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <StateBadge state={job.state} />
          <span className="break-all font-mono text-[0.8125rem]">{job.id}</span>
        </span>
      }
      actions={<JobActions job={job} />}
    >
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-5">
          <JobWaiting job={job} />
          <JobProgress job={job} />
          <JobFailure job={job} />
          {job.state === "completed" && (
            <Card title="Result" bodyClassName="p-0">
              <JsonView text={exact.returnValue ?? "null"} label="result" />
            </Card>
          )}
          <Card title="Data" bodyClassName="p-0">
            <JsonView text={exact.data} label="data" />
          </Card>
          <JobLogs queue={job.queue} id={job.id} running={running} />
        </div>
        <div className="flex min-w-0 flex-col gap-5">
          <Card title="Timeline">
            <JobTimeline job={job} />
          </Card>
          <Card title="Details">
            <JobFacts job={job} />
          </Card>
          <Card title="Options" bodyClassName="p-0">
            <JsonView text={exact.opts} label="options" />
          </Card>
        </div>
      </div>
    </Page>
  );
}

function JobFacts({ job }: { job: Job }) {
  const parentQueue = job.parent?.queue.replace(/^[^:]*:/, "");
  return (
    <Facts>
      <Fact name="Queue">
        <Link to="/queues/$queue" params={{ queue: job.queue }} className="text-primary hover:underline">
          {job.queue}
        </Link>
      </Fact>
      <Fact name="Attempts">
        {job.attemptsMade} of {job.opts.attempts ?? 1} made
      </Fact>
      <Duration job={job} />
      {job.priority > 0 && <Fact name="Priority">{job.priority}</Fact>}
      {job.delay > 0 && <Fact name="Delay">{formatDuration(job.delay)}</Fact>}
      {job.stalledCounter > 0 && <Fact name="Stalled">{job.stalledCounter} times</Fact>}
      {job.repeatJobKey && <Fact name="Schedule">{job.repeatJobKey}</Fact>}
      {job.deduplicationId && <Fact name="Deduplication">{job.deduplicationId}</Fact>}
      {job.parent && parentQueue && (
        <Fact name="Parent">
          <Link
            to="/queues/$queue/jobs/$jobId"
            params={{ queue: parentQueue, jobId: job.parent.id }}
            className="break-all text-primary hover:underline"
          >
            {parentQueue}/{job.parent.id}
          </Link>
        </Fact>
      )}
    </Facts>
  );
}

function Duration({ job }: { job: Job }) {
  const took = runTime(job);
  if (took !== undefined) return <Fact name="Took">{formatDuration(took)}</Fact>;
  if (job.state !== "active" || job.processedOn === undefined) return null;
  return (
    <Fact name="Running for">
      <RunningFor since={job.processedOn} />
    </Fact>
  );
}

function RunningFor({ since }: { since: number }) {
  const now = useNow(1000);
  return formatDuration(now - since);
}

function JobGone({ queue, id, wasThere }: { queue: string; id: string; wasThere: boolean }) {
  return (
    <EmptyState
      page
      icon={FileX2}
      title={wasThere ? `Job ${id} is no longer kept` : `There is no job ${id} in ${queue}`}
      action={
        <Link to="/queues/$queue" params={{ queue }} className={buttonVariants()}>
          See the jobs of {queue}
        </Link>
      }
    >
      {wasThere
        ? "It was removed, by someone or by its own options, while you looked."
        : "It may have been removed: finished jobs are kept only as long as their options say."}
    </EmptyState>
  );
}

function JobSkeleton() {
  return (
    <div role="status" aria-label="Loading the job" className="flex flex-col gap-5">
      <Skeleton className="h-7 w-64" />
      <div className="grid gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Skeleton className="h-80" />
        <Skeleton className="h-80" />
      </div>
    </div>
  );
}
