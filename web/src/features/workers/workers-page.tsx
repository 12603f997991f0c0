import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Cpu } from "lucide-react";
import type { Worker, WorkerConnection, WorkerQueue } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { formatDuration } from "@/lib/time";
import { PauseWorkerButton } from "./pause-worker-button";
import { workersQuery } from "./queries";
import { WorkerLoad } from "./worker-load";

export function WorkersPage() {
  const { data, error, refetch } = useQuery({ ...workersQuery, refetchInterval: 3_000 });
  return (
    <Page title="Workers" description="Processes that take jobs from the queues and run them.">
      {!data && (
        <Card bodyClassName="p-0">
          {error ? (
            <ErrorState error={error} onRetry={() => void refetch()} />
          ) : (
            <SkeletonRows label="Loading workers" />
          )}
        </Card>
      )}
      {data?.items.length === 0 && (
        <Card bodyClassName="p-0">
          <EmptyState icon={Cpu} title="No JobRunner worker is running">
            Start one with <code className="font-mono">jobrunner worker --queue NAME=CONCURRENCY</code>. It
            appears here within seconds.
          </EmptyState>
        </Card>
      )}
      {data?.items.map((worker) => (
        <WorkerCard key={worker.id} worker={worker} />
      ))}
      {data && data.connections.length > 0 && <Connections connections={data.connections} />}
    </Page>
  );
}

function WorkerCard({ worker }: { worker: Worker }) {
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          <span className="truncate">{worker.name}</span>
          {worker.stopping ? <Badge>stopping</Badge> : worker.paused && <Badge>paused</Badge>}
        </span>
      }
      actions={
        <>
          <WorkerLoad worker={worker} />
          <PauseWorkerButton worker={worker} />
        </>
      }
      bodyClassName="flex flex-col gap-4"
    >
      <p className="text-[0.8125rem] text-muted-foreground">
        Process {worker.pid} on {worker.host} · started <RelativeTime time={worker.startedAt} /> · last heard
        of <RelativeTime time={worker.seenAt} />
      </p>
      <div className="grid gap-4 md:grid-cols-2">
        <section>
          <h3 className="mb-2 font-medium">Queues</h3>
          <ul className="flex flex-col gap-1.5">
            {worker.queues.map((queue) => (
              <li key={queue.name} className="flex items-baseline justify-between gap-4 tabular-nums">
                <Link
                  to="/queues/$queue"
                  params={{ queue: queue.name }}
                  className="min-w-0 truncate text-primary hover:underline"
                >
                  {queue.name}
                </Link>
                <span className="shrink-0 text-muted-foreground" title={queueNotes(queue)}>
                  {queue.running} of {queue.concurrency} running{queue.held > 0 && `, ${queue.held} held`}
                </span>
              </li>
            ))}
          </ul>
        </section>
        <section>
          <h3 className="mb-2 font-medium">Handlers</h3>
          <ul className="flex flex-wrap gap-1.5">
            {worker.handlers.map((name) => (
              <li key={name}>
                <Link to="/handlers/$name" params={{ name }}>
                  <Badge className="hover:bg-accent">{name}</Badge>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      </div>
    </Card>
  );
}

/** What is special about a worker's share in a queue. */
function queueNotes(queue: WorkerQueue): string | undefined {
  const notes = [
    queue.pattern && `Found by the pattern ${queue.pattern}.`,
    queue.handlers && `Runs only ${queue.handlers.join(", ")}.`,
    queue.rateLimit && `At most ${queue.rateLimit.max} jobs per ${formatDuration(queue.rateLimit.duration)}.`,
  ].filter(Boolean);
  return notes.length > 0 ? notes.join(" ") : undefined;
}

/** Everything that waits for jobs, as Redis sees it: Node workers are only known this way. */
function Connections({ connections }: { connections: readonly WorkerConnection[] }) {
  return (
    <Card title="Connections to Redis" bodyClassName="p-0">
      <Table aria-label="Worker connections">
        <thead>
          <tr>
            <TableHead>Queue</TableHead>
            <TableHead>Worker</TableHead>
            <TableHead className="max-sm:hidden">Address</TableHead>
            <TableHead className="text-right">Connected for</TableHead>
          </tr>
        </thead>
        <tbody>
          {connections.map((connection) => (
            <TableRow key={connection.id}>
              <TableCell>{connection.queue}</TableCell>
              <TableCell>
                {connection.name || <span className="text-muted-foreground">unnamed</span>}
              </TableCell>
              <TableCell className="font-mono text-[0.8125rem] max-sm:hidden">{connection.addr}</TableCell>
              <TableCell className="text-right">{formatDuration(connection.age)}</TableCell>
            </TableRow>
          ))}
        </tbody>
      </Table>
    </Card>
  );
}
