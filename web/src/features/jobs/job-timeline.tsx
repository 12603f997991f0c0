import type { Job } from "@/api/types";
import { RelativeTime } from "@/components/relative-time";
import { cn } from "@/lib/cn";
import { formatExact } from "@/lib/time";
import { type TimelineEntry, timelineOf } from "./job-facts";

const dot: Record<TimelineEntry["tone"], string> = {
  done: "border-muted-foreground/60 bg-muted-foreground/60",
  running: "animate-pulse border-state-active bg-state-active",
  failed: "border-state-failed bg-state-failed",
  ahead: "border-muted-foreground/60 bg-card",
};

/** What has happened to a job, oldest first. */
export function JobTimeline({ job }: { job: Job }) {
  const entries = timelineOf(job);
  return (
    <ol className="flex flex-col">
      {entries.map((entry, index) => (
        <li key={entry.label} className="relative flex gap-3 pb-4 last:pb-0">
          {index < entries.length - 1 && (
            <span aria-hidden="true" className="absolute top-4 bottom-0 left-[4.5px] w-px bg-border" />
          )}
          <span
            aria-hidden="true"
            className={cn("mt-1.5 size-2.5 shrink-0 rounded-full border-[1.5px]", dot[entry.tone])}
          />
          <div className="min-w-0">
            <p>
              <span className="font-medium">{entry.label}</span>
              {entry.time !== undefined && (
                <RelativeTime time={entry.time} className="ml-2 text-muted-foreground" />
              )}
            </p>
            {entry.time !== undefined && (
              <p className="text-muted-foreground text-xs tabular-nums">{formatExact(entry.time)}</p>
            )}
            {entry.detail && <p className="truncate text-muted-foreground text-xs">{entry.detail}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}
