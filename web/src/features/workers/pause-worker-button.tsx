import { Pause, Play } from "lucide-react";
import type { Worker } from "@/api/types";
import { Button } from "@/components/ui/button";
import { useCan } from "@/features/auth/queries";
import { usePauseWorker } from "./queries";

/** Stops one worker from taking jobs, or lets it go on. Both can be undone, so it asks no questions. */
export function PauseWorkerButton({ worker }: { worker: Worker }) {
  const allowed = useCan("queues:admin");
  const { mutate, isPending } = usePauseWorker(worker);
  if (!allowed || worker.stopping) return null;
  return (
    <Button size="small" pending={isPending} onClick={() => mutate(!worker.paused)}>
      {worker.paused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
      {worker.paused ? "Resume" : "Pause"}
    </Button>
  );
}
