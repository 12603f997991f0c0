import { useNavigate } from "@tanstack/react-router";
import { FastForward, RotateCcw, Trash2 } from "lucide-react";
import type { Job } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { useCan } from "@/features/auth/queries";
import { useJobActions } from "./queries";

/** What the job's state allows to do with it. */
export function JobActions({ job }: { job: Job }) {
  const allowed = useCan("jobs:write");
  const navigate = useNavigate();
  const { retry, promote, remove } = useJobActions(job.queue, job.id);
  if (!allowed) return null;

  const deleteAndLeave = async () => {
    await remove.mutateAsync();
    await navigate({ to: "/queues/$queue", params: { queue: job.queue }, search: { state: job.state } });
  };

  return (
    <>
      {(job.state === "failed" || job.state === "completed") && (
        <ConfirmButton
          variant="primary"
          title={`Run job ${job.id} again?`}
          consequence={
            <>
              <strong className="text-foreground">{job.name}</strong> goes back to wait in{" "}
              <strong className="text-foreground">{job.queue}</strong> with the same data.
              {job.state === "completed" && " Its present result is given up."}
            </>
          }
          confirmLabel="Run again"
          onConfirm={() => retry.mutateAsync()}
        >
          <RotateCcw aria-hidden="true" /> Retry
        </ConfirmButton>
      )}
      {job.state === "delayed" && (
        <ConfirmButton
          variant="primary"
          title={`Run job ${job.id} now?`}
          consequence="It stops waiting for its delay and runs as soon as a worker is free."
          confirmLabel="Run now"
          onConfirm={() => promote.mutateAsync()}
        >
          <FastForward aria-hidden="true" /> Run now
        </ConfirmButton>
      )}
      {job.state !== "active" && (
        <ConfirmButton
          variant="secondary"
          title={`Delete job ${job.id}?`}
          consequence={
            <>
              <strong className="text-foreground">{job.name}</strong> is removed from{" "}
              <strong className="text-foreground">{job.queue}</strong>, with its data, result, log and
              children. This can't be undone.
            </>
          }
          confirmLabel="Delete job"
          onConfirm={deleteAndLeave}
        >
          <Trash2 aria-hidden="true" /> Delete
        </ConfirmButton>
      )}
    </>
  );
}
