import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Cpu } from "lucide-react";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useCan } from "@/features/auth/queries";
import { workersQuery } from "@/features/workers/queries";
import { WorkerLoad } from "@/features/workers/worker-load";
import { plural } from "@/lib/format";

const shownWorkers = 6;

export function WorkerSummary() {
  const allowed = useCan("system:read");
  return allowed ? <WorkerCard /> : null;
}

function WorkerCard() {
  const { data, error, refetch } = useQuery({ ...workersQuery, refetchInterval: 5_000 });
  const link = (
    <Link to="/workers" className="text-primary hover:underline">
      All workers
    </Link>
  );
  return (
    <Card title="Workers" actions={link} bodyClassName="p-0">
      {!data &&
        (error ? (
          <ErrorState error={error} onRetry={() => void refetch()} />
        ) : (
          <SkeletonRows rows={3} label="Loading workers" />
        ))}
      {data?.items.length === 0 && (
        <EmptyState icon={Cpu} title="No JobRunner worker is running">
          {data.connections.length > 0
            ? `${plural(data.connections.length, "BullMQ connection")} of other programs wait for jobs.`
            : "Start one with: jobrunner worker --queue NAME=CONCURRENCY"}
        </EmptyState>
      )}
      {data && data.items.length > 0 && (
        <ul className="divide-y">
          {data.items.slice(0, shownWorkers).map((worker) => (
            <li key={worker.id} className="flex items-center justify-between gap-4 px-4 py-2.5">
              <div className="min-w-0">
                <p className="truncate font-medium">{worker.host}</p>
                <p className="truncate text-muted-foreground text-xs">
                  {plural(worker.queues.length, "queue")} · {plural(worker.handlers.length, "handler")}
                </p>
              </div>
              <WorkerLoad worker={worker} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
