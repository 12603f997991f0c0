import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CalendarClock, Plus, Trash2 } from "lucide-react";
import { toast } from "sonner";
import type { Schedule } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { Pager } from "@/components/pager";
import { RelativeTime } from "@/components/relative-time";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { useCan } from "@/features/auth/queries";
import { formatCount, plural } from "@/lib/format";
import { describeSchedule } from "./describe";
import { schedulesQuery, useDeleteSchedule } from "./queries";

export function SchedulesPage() {
  const { cursor } = useSearch({ from: "/app/schedules" });
  const navigate = useNavigate({ from: "/schedules" });
  const mayWrite = useCan("schedules:write");
  const { data, error, refetch } = useQuery({ ...schedulesQuery(cursor), refetchInterval: 5_000 });

  const newSchedule = mayWrite && (
    <Link to="/schedules/new" className={buttonVariants({ variant: "primary" })}>
      <Plus aria-hidden="true" /> New schedule
    </Link>
  );
  return (
    <Page title="Schedules" description="Jobs that are added again and again." actions={newSchedule}>
      <Card bodyClassName="p-0">
        {!data &&
          (error ? (
            <ErrorState error={error} onRetry={() => void refetch()} />
          ) : (
            <SkeletonRows label="Loading schedules" />
          ))}
        {data?.items.length === 0 && (
          <EmptyState icon={CalendarClock} title="No schedules yet">
            A schedule adds a job by a cron pattern or every so often. Those that BullMQ programs make appear
            here too.
          </EmptyState>
        )}
        {data && data.items.length > 0 && (
          <>
            <ScheduleTable items={data.items} mayWrite={mayWrite} />
            <Pager
              summary={plural(data.total ?? data.items.length, "schedule")}
              atStart={!cursor}
              hasMore={data.nextCursor !== undefined}
              onFirst={() => void navigate({ search: {} })}
              onNext={() => void navigate({ search: { cursor: data.nextCursor } })}
            />
          </>
        )}
      </Card>
    </Page>
  );
}

function ScheduleTable({ items, mayWrite }: { items: readonly Schedule[]; mayWrite: boolean }) {
  return (
    <Table aria-label="Schedules">
      <thead>
        <tr>
          <TableHead>Schedule</TableHead>
          <TableHead className="max-sm:hidden">Runs</TableHead>
          <TableHead>Next run</TableHead>
          <TableHead className="text-right max-lg:hidden">Jobs made</TableHead>
          {mayWrite && (
            <TableHead className="w-0 px-2">
              <span className="sr-only">Actions</span>
            </TableHead>
          )}
        </tr>
      </thead>
      <tbody>
        {items.map((schedule) => (
          <TableRow key={`${schedule.queue}/${schedule.id}`}>
            <TableCell className="w-full max-w-0 py-2 sm:w-1/3">
              <p className="truncate font-medium" title={schedule.id}>
                {schedule.id}
              </p>
              <p className="truncate text-[0.8125rem] text-muted-foreground">
                {schedule.template.name} in{" "}
                <Link
                  to="/queues/$queue"
                  params={{ queue: schedule.queue }}
                  className="text-primary underline decoration-primary/50 underline-offset-2 hover:decoration-primary"
                >
                  {schedule.queue}
                </Link>
              </p>
              <p className="text-[0.8125rem] text-muted-foreground sm:hidden">{describeSchedule(schedule)}</p>
            </TableCell>
            <TableCell className="py-2 max-sm:hidden">
              <p>{describeSchedule(schedule)}</p>
              {schedule.cron && (
                <p className="text-[0.8125rem] text-muted-foreground">
                  <code className="font-mono">{schedule.cron}</code>
                  {schedule.tz && ` · ${schedule.tz}`}
                </p>
              )}
            </TableCell>
            <TableCell className="whitespace-nowrap py-2">
              {schedule.nextRun ? (
                <RelativeTime time={schedule.nextRun} />
              ) : (
                <span className="text-muted-foreground">none</span>
              )}
            </TableCell>
            <TableCell className="text-right tabular-nums max-lg:hidden">
              {formatCount(schedule.iterations)}
            </TableCell>
            {mayWrite && (
              <TableCell className="px-2 text-right">
                <DeleteButton schedule={schedule} />
              </TableCell>
            )}
          </TableRow>
        ))}
      </tbody>
    </Table>
  );
}

function DeleteButton({ schedule }: { schedule: Schedule }) {
  const remove = useDeleteSchedule();
  const deleteNow = async () => {
    await remove.mutateAsync(schedule);
    toast.success(`Deleted the schedule ${schedule.id}.`);
  };
  return (
    <ConfirmButton
      variant="ghost"
      size="icon"
      className="size-7"
      aria-label={`Delete ${schedule.id}`}
      title={`Delete the schedule ${schedule.id}?`}
      consequence={
        <>
          No more <strong className="text-foreground">{schedule.template.name}</strong> jobs are added to{" "}
          <strong className="text-foreground">{schedule.queue}</strong>, and the next one, which waits for its
          time, is removed. Jobs it has made before stay.
        </>
      }
      confirmLabel="Delete schedule"
      onConfirm={deleteNow}
    >
      <Trash2 aria-hidden="true" />
    </ConfirmButton>
  );
}
