import { Hourglass } from "lucide-react";
import type { Job, WaitingReason } from "@/api/types";
import { RelativeTime } from "@/components/relative-time";
import { Card } from "@/components/ui/card";

const titles: Record<WaitingReason, string> = {
  "queue-paused": "Waits for its queue to be resumed",
  "no-worker": "Waits for a worker",
  "workers-paused": "Waits for a worker to be resumed",
  "no-handler": "Waits for a handler",
  "handler-not-allowed": "Waits for a worker that may run it",
  "handler-disabled": "Waits for its handler to be enabled",
  "handler-busy": "Waits for its handler to be free",
  "rate-limited": "Waits for the rate limit",
  "queue-busy": "Waits for the queue's concurrency",
  "workers-busy": "Waits for a free worker",
  delayed: "Waits for its time",
  retry: "Waits for its next attempt",
  children: "Waits for its children",
  "in-line": "Waits in line",
};

/** Why the job does not run, in words, and until when if that is known. */
export function JobWaiting({ job: { waiting } }: { job: Job }) {
  if (!waiting) return null;
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          <Hourglass aria-hidden="true" className="size-4 shrink-0 text-muted-foreground" />
          {titles[waiting.reason]}
        </span>
      }
    >
      <p className="break-words">{waiting.detail}</p>
      {waiting.until !== undefined && (
        <p className="mt-1 text-muted-foreground">
          Expected <RelativeTime time={waiting.until} />
        </p>
      )}
    </Card>
  );
}
