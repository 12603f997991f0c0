import { useEffect, useState } from "react";
import { cn } from "@/lib/cn";
import { formatExact, formatRelative, relativeRefreshInterval } from "@/lib/time";

/** The current time, updated as often as a relative time near it changes. */
export function useNow(interval: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}

/** "3 min. ago", with the exact time on hover. */
export function RelativeTime({ time, className }: { time: number; className?: string }) {
  const [interval] = useState(() => relativeRefreshInterval(time, Date.now()));
  const now = useNow(interval);
  return (
    <time
      dateTime={new Date(time).toISOString()}
      title={formatExact(time)}
      className={cn("tabular-nums", className)}
    >
      {formatRelative(time, now)}
    </time>
  );
}
