import { Pause, Play } from "lucide-react";
import { Button } from "@/components/ui/button";
import { useCan } from "@/features/auth/queries";
import { usePauseQueue } from "./queries";

/** Stops a queue from handing out jobs, or lets it go on. Both can be undone, so it asks no questions. */
export function PauseButton({
  queue,
  paused,
  compact = false,
}: {
  queue: string;
  paused: boolean;
  compact?: boolean;
}) {
  const allowed = useCan("queues:admin");
  const { mutate, isPending } = usePauseQueue(queue);
  if (!allowed) return null;

  const verb = paused ? "Resume" : "Pause";
  const icon = paused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />;
  if (compact) {
    return (
      <Button
        variant="ghost"
        size="icon"
        className="relative z-10 size-7"
        pending={isPending}
        aria-label={`${verb} ${queue}`}
        title={`${verb} ${queue}`}
        onClick={() => mutate(!paused)}
      >
        {icon}
      </Button>
    );
  }
  return (
    <Button pending={isPending} onClick={() => mutate(!paused)}>
      {icon} {verb}
    </Button>
  );
}
