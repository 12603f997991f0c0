import type { Worker } from "@/api/types";
import { ProgressBar } from "@/components/ui/progress";

/** How many of the jobs it could run at once a worker runs now. */
export function WorkerLoad({ worker }: { worker: Pick<Worker, "queues" | "name"> }) {
  const running = worker.queues.reduce((sum, queue) => sum + queue.running, 0);
  const capacity = worker.queues.reduce((sum, queue) => sum + queue.concurrency, 0);
  return (
    <div className="flex shrink-0 items-center gap-2.5">
      <ProgressBar
        value={capacity === 0 ? 0 : (running / capacity) * 100}
        label={`Load of ${worker.name}`}
        className="h-1.5 w-16"
      />
      <span className="min-w-20 text-right text-[0.8125rem] text-muted-foreground tabular-nums">
        {running} of {capacity} busy
      </span>
    </div>
  );
}
