import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { ErrorState } from "@/components/error-state";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { formatCount, plural } from "@/lib/format";
import { jobLogsQuery } from "./logs-query";

/** How often a running job's log is read. */
const tailInterval = 1500;

/** The job's log. While the job runs it is read on, and the view stays at its end unless the reader has scrolled up. */
export function JobLogs({ queue, id, running }: { queue: string; id: string; running: boolean }) {
  const { data, error, refetch } = useQuery({
    ...jobLogsQuery(queue, id),
    refetchInterval: running ? tailInterval : false,
  });

  // What the job wrote last may have come after the last look at a running log.
  const wasRunning = useRef(running);
  useEffect(() => {
    if (wasRunning.current && !running) void refetch();
    wasRunning.current = running;
  }, [running, refetch]);

  const count = data && data.total > 0 && (
    <span className="text-muted-foreground text-xs tabular-nums">{plural(data.total, "line")}</span>
  );
  return (
    <Card title="Log" actions={count} bodyClassName="p-0">
      {data ? (
        <LogLines lines={data.lines} first={data.first} running={running} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <SkeletonRows rows={3} label="Loading the log" />
      )}
    </Card>
  );
}

function LogLines({ lines, first, running }: { lines: readonly string[]; first: number; running: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what there is to follow
  useEffect(() => {
    const element = box.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
  }, [lines]);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const fromEnd = element.scrollHeight - element.scrollTop - element.clientHeight;
    following.current = fromEnd < 24;
  };

  if (lines.length === 0) {
    return (
      <p className="p-4 text-muted-foreground">
        {running ? "Nothing written yet." : "Nothing has been written to the log."}
      </p>
    );
  }
  return (
    <div
      ref={box}
      onScroll={onScroll}
      role="log"
      aria-label="Log lines"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
      tabIndex={0}
      className="max-h-96 overflow-auto rounded-b-lg py-2 font-mono text-[0.8125rem] leading-5"
    >
      {first > 0 && (
        <p className="px-4 pb-2 text-muted-foreground">{formatCount(first)} earlier lines are not shown.</p>
      )}
      <ol>
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its number in the log
          <li key={first + index} className="flex gap-4 px-4 hover:bg-muted/60">
            <span aria-hidden="true" className="w-8 shrink-0 select-none text-right text-muted-foreground">
              {first + index + 1}
            </span>
            <span className="min-w-0 whitespace-pre-wrap break-words">{line}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
