import { type JobCounts, type JobState, jobStates } from "@/api/types";
import { stateLabel, stateText } from "@/components/state-badge";
import { Skeleton } from "@/components/ui/skeleton";
import { backlog } from "@/features/queues/queries";
import { cn } from "@/lib/cn";
import { formatCompactCount, formatCount } from "@/lib/format";
import type { Sample } from "./history";
import { Sparkline } from "./sparkline";

/** The jobs of all queues by state, and how the two that move have gone since the page was opened. */
export function Totals({ counts, samples }: { counts: JobCounts | undefined; samples: readonly Sample[] }) {
  if (!counts) return <Skeleton className="h-48" />;
  return (
    <div className="grid grid-cols-2 gap-3">
      <TrendTile
        label="Jobs yet to run"
        count={backlog(counts)}
        samples={samples}
        value="backlog"
        className="text-state-waiting"
      />
      <TrendTile
        label="Running now"
        count={counts.active}
        samples={samples}
        value="active"
        className="text-state-active"
      />
      <dl className="col-span-full grid grid-cols-2 overflow-hidden rounded-lg border bg-card sm:grid-cols-4 lg:grid-cols-7">
        {jobStates.map((state) => (
          <StateTile key={state} state={state} count={counts[state]} />
        ))}
      </dl>
    </div>
  );
}

function TrendTile({
  label,
  count,
  samples,
  value,
  className,
}: {
  label: string;
  count: number;
  samples: readonly Sample[];
  value: "backlog" | "active";
  className: string;
}) {
  return (
    <section
      aria-label={label}
      className="flex gap-x-6 gap-y-1 rounded-lg border bg-card px-4 py-3 max-sm:flex-col sm:items-center"
    >
      <div className="shrink-0">
        <h2 className="text-muted-foreground">{label}</h2>
        <p className="font-semibold text-2xl tabular-nums tracking-tight" title={formatCount(count)}>
          {formatCompactCount(count)}
        </p>
      </div>
      <div className={cn("min-h-12 min-w-0 grow", className)}>
        <Sparkline samples={samples} value={value} />
        {samples.length > 1 && (
          <p className="mt-1 text-muted-foreground text-xs sm:text-right">since opened</p>
        )}
      </div>
    </section>
  );
}

function StateTile({ state, count }: { state: JobState; count: number }) {
  return (
    <div className="-mr-px -mb-px border-r border-b px-3.5 py-2.5 max-sm:last:col-span-2">
      <dt className="flex items-center gap-1.5 text-muted-foreground text-xs">
        <span
          aria-hidden="true"
          className={cn("size-2 shrink-0 rounded-full bg-current", stateText[state])}
        />
        <span className="truncate">{stateLabel(state)}</span>
      </dt>
      <dd className="mt-0.5 font-semibold text-lg tabular-nums tracking-tight" title={formatCount(count)}>
        {formatCompactCount(count)}
      </dd>
    </div>
  );
}
