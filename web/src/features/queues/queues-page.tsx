import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ListTree, Plus } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { Pager } from "@/components/pager";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useCan } from "@/features/auth/queries";
import { plural } from "@/lib/format";
import { useLiveTopics, usePolling } from "@/live/context";
import { topics } from "@/live/messages";
import { PauseButton } from "./pause-button";
import { queuesQuery } from "./queries";
import { QueueTable } from "./queue-table";

const NewQueueDialog = lazy(() =>
  import("./new-queue-dialog").then((module) => ({ default: module.NewQueueDialog })),
);

export function QueuesPage() {
  const { cursor } = useSearch({ from: "/app/queues" });
  const navigate = useNavigate({ from: "/queues" });
  const mayCreate = useCan("queues:admin");
  const [creating, setCreating] = useState(false);
  useLiveTopics(topics.stats, topics.queues);
  const refetchInterval = usePolling({ live: 30_000, fallback: 5_000 });
  const { data, error, refetch } = useQuery({ ...queuesQuery(cursor), refetchInterval });

  const newQueue = mayCreate && (
    <Button onClick={() => setCreating(true)}>
      <Plus aria-hidden="true" /> New queue
    </Button>
  );

  return (
    <Page title="Queues" actions={newQueue}>
      {creating && (
        <Suspense>
          <NewQueueDialog open onOpenChange={setCreating} />
        </Suspense>
      )}
      <Card bodyClassName="p-0">
        {data && data.items.length > 0 && (
          <>
            <QueueTable
              label="Queues"
              queues={data.items}
              rowAction={(queue) => <PauseButton compact queue={queue.name} paused={queue.paused} />}
            />
            <Pager
              summary={plural(data.total ?? data.items.length, "queue")}
              atStart={!cursor}
              hasMore={data.nextCursor !== undefined}
              onFirst={() => void navigate({ search: {} })}
              onNext={() => void navigate({ search: { cursor: data.nextCursor } })}
            />
          </>
        )}
        {data?.items.length === 0 && (
          <EmptyState icon={ListTree} title="No queues yet" action={newQueue}>
            A queue appears when a worker serves it, when a BullMQ program adds a job to it, or when you
            create it here.
          </EmptyState>
        )}
        {!data &&
          (error ? (
            <ErrorState error={error} onRetry={() => void refetch()} />
          ) : (
            <SkeletonRows label="Loading queues" />
          ))}
      </Card>
    </Page>
  );
}
