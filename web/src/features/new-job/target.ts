import { useQuery } from "@tanstack/react-query";
import type { Handler } from "@/api/types";
import { type GroupField, readSchema } from "@/components/schema-form/schema";
import { useCan } from "@/features/auth/queries";
import { handlersQuery } from "@/features/handlers/queries";
import { queueNamesQuery } from "@/features/queues/queries";

/** Which queue a job goes to and which handler runs it. */
export interface Target {
  queue: string;
  name: string;
  /** The name is typed rather than picked: a handler that only a Node worker knows. */
  typed: boolean;
}

export interface TargetChoices {
  queues: string[];
  handlers: Handler[];
  /** The picked handler, if a worker has told of it. */
  handler: Handler | undefined;
  schema: GroupField | undefined;
  loading: boolean;
  error: unknown;
}

/** What there is to choose from, given what has been chosen. */
export function useTargetChoices(target: Target): TargetChoices {
  const mayListHandlers = useCan("system:read");
  const queues = useQuery(queueNamesQuery);
  const handlers = useQuery({ ...handlersQuery, enabled: mayListHandlers });

  const ofQueue = (handlers.data?.items ?? []).filter((handler) => handler.queues.includes(target.queue));
  const handler = handlers.data?.items.find((candidate) => candidate.name === target.name);
  const names = queues.data ?? [];
  return {
    queues: target.queue && !names.includes(target.queue) ? [...names, target.queue] : names,
    handlers: ofQueue,
    handler,
    schema: handler && readSchema(handler.dataSchema),
    loading: queues.isPending || (mayListHandlers && handlers.isPending),
    error: queues.error,
  };
}

/** What the target is wanting for; undefined if nothing. */
export function targetProblem(target: Target): { field: "queue" | "name"; message: string } | undefined {
  if (target.queue === "") return { field: "queue", message: "Choose a queue." };
  if (target.name.trim() === "") return { field: "name", message: "Choose a handler." };
  return undefined;
}
