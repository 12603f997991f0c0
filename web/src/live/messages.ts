import { z } from "@/lib/zod";

const counts = z.object({
  waiting: z.number(),
  active: z.number(),
  delayed: z.number(),
  prioritized: z.number(),
  "waiting-children": z.number(),
  completed: z.number(),
  failed: z.number(),
});

const hello = z.object({ type: z.literal("hello"), epoch: z.string(), seq: z.number().default(0) });
const resync = z.object({
  type: z.literal("resync"),
  epoch: z.string().optional(),
  seq: z.number().default(0),
});
const subscribed = z.object({
  type: z.literal("subscribed"),
  topics: z.array(z.string()).default([]),
});
const refused = z.object({
  type: z.literal("error"),
  code: z.string(),
  message: z.string().default(""),
  topics: z.array(z.string()).default([]),
});
const stats = z.object({
  type: z.literal("stats"),
  ts: z.number(),
  queues: z.array(z.object({ name: z.string(), paused: z.boolean(), counts })).default([]),
});

const jobEventTypes = [
  "added",
  "waiting",
  "delayed",
  "waiting-children",
  "active",
  "progress",
  "completed",
  "failed",
  "retries-exhausted",
  "stalled",
  "removed",
  "duplicated",
] as const;
const queueEventTypes = ["cleaned", "drained", "paused", "resumed"] as const;

const event = z.object({
  type: z.enum([...jobEventTypes, ...queueEventTypes]),
  queue: z.string(),
  jobId: z.string().default(""),
  ts: z.number(),
  seq: z.number(),
  name: z.string().optional(),
  prev: z.string().optional(),
  progress: z.unknown().optional(),
  returnValue: z.unknown().optional(),
  failedReason: z.string().optional(),
  truncated: z.boolean().optional(),
});

const messageSchema = z.union([event, stats, hello, resync, subscribed, refused]);

export type LiveEvent = z.infer<typeof event>;
export type LiveStats = z.infer<typeof stats>;
export type LiveMessage = z.infer<typeof messageSchema>;

/**
 * Reads what the server sent. It is undefined for anything this client doesn't
 * know, so that a newer server can say more.
 */
export function parseMessage(text: unknown): LiveMessage | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return messageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function isEvent(message: LiveMessage): message is LiveEvent {
  return "queue" in message;
}

export const topics = {
  stats: "stats",
  queues: "queues",
  queue: (queue: string) => `queue:${encodeURIComponent(queue)}`,
  job: (queue: string, id: string) => `job:${encodeURIComponent(queue)}/${encodeURIComponent(id)}`,
};
