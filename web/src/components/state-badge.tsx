import type { JobState } from "@/api/types";
import { cn } from "@/lib/cn";

const labels: Record<JobState, string> = {
  waiting: "Waiting",
  prioritized: "Prioritized",
  delayed: "Delayed",
  "waiting-children": "Awaiting children",
  active: "Active",
  completed: "Completed",
  failed: "Failed",
};

/** Text colors; the same token also draws dots and bars. */
export const stateText: Record<JobState, string> = {
  waiting: "text-state-waiting",
  prioritized: "text-state-prioritized",
  delayed: "text-state-delayed",
  "waiting-children": "text-state-children",
  active: "text-state-active",
  completed: "text-state-completed",
  failed: "text-state-failed",
};

export function stateLabel(state: JobState): string {
  return labels[state];
}

/** A state as a word, with its color beside it. */
export function StateBadge({ state, className }: { state: JobState; className?: string }) {
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1.5 whitespace-nowrap font-medium",
        stateText[state],
        className,
      )}
    >
      <span
        aria-hidden="true"
        className={cn("size-2 rounded-full bg-current", state === "active" && "animate-pulse")}
      />
      {labels[state]}
    </span>
  );
}
