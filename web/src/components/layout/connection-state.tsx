import { useEffect, useState } from "react";
import { cn } from "@/lib/cn";
import { useLiveStatus } from "@/live/context";

/** A lost connection is mostly back before anyone could read that it was gone. */
const noticeDelay = 1500;

/** Whether what is shown follows the server by itself. */
export function ConnectionState() {
  const status = useLiveStatus();
  const [settled, setSettled] = useState(status);

  useEffect(() => {
    const timer = setTimeout(() => setSettled(status), status === "open" ? 0 : noticeDelay);
    return () => clearTimeout(timer);
  }, [status]);

  const live = settled === "open";
  const label = live ? "Live" : settled === "paused" ? "Paused" : "Reconnecting";
  const explanation = live
    ? "Changes appear as they happen."
    : "The live connection is down. Pages ask for changes every few seconds until it is back.";
  return (
    <span
      role="status"
      title={explanation}
      className="flex items-center gap-1.5 text-[0.8125rem] text-muted-foreground"
    >
      <span
        aria-hidden="true"
        className={cn("size-2 rounded-full", live ? "bg-state-completed" : "animate-pulse bg-state-delayed")}
      />
      <span className="max-sm:sr-only">{label}</span>
    </span>
  );
}
