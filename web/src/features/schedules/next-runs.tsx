import { useQuery } from "@tanstack/react-query";
import { ApiError, messageOf } from "@/api/error";
import { RelativeTime } from "@/components/relative-time";
import { Skeleton } from "@/components/ui/skeleton";
import { formatInZone } from "@/lib/time";
import { useDebounced } from "@/lib/use-debounced";
import { previewQuery } from "./queries";
import { type Timing, toRequest } from "./timing";

const typingPause = 300;
const shownRuns = 5;

/** The next runs, as the server's cron engine counts them. */
export function NextRuns({ timing }: { timing: Timing }) {
  const request = toRequest(useDebounced(timing, typingPause));
  const { data, error, isFetching } = useQuery({
    ...previewQuery({ ...request, count: shownRuns }),
    enabled: request !== undefined,
  });

  if (!request) return <p className="text-muted-foreground">Say when, and the next runs appear here.</p>;
  if (error) {
    return (
      <p role="alert" className="text-destructive">
        {refusalOf(error)}
      </p>
    );
  }
  if (!data) return <Skeleton className="h-28" />;
  if (data.runs.length === 0) return <p className="text-muted-foreground">It never runs.</p>;

  const zone = request.cron === undefined ? undefined : request.tz;
  return (
    <ol aria-label="Next runs" aria-busy={isFetching} className="flex flex-col gap-1.5 tabular-nums">
      {data.runs.map((run) => (
        <li key={run} className="flex justify-between gap-x-4 whitespace-nowrap">
          <span>{formatInZone(run, zone)}</span>
          <RelativeTime time={run} className="text-muted-foreground" />
        </li>
      ))}
    </ol>
  );
}

function refusalOf(error: unknown): string {
  const field = error instanceof ApiError ? error.fields[0] : undefined;
  return field?.message ?? messageOf(error);
}
