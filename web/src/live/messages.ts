import * as z from "@/lib/zod";

const counts = z.object({
  waiting: z.number(),
  active: z.number(),
  delayed: z.number(),
  prioritized: z.number(),
  "waiting-children": z.number(),
  completed: z.number(),
  failed: z.number(),
});

const hello = z.object({ type: z.literal("hello"), epoch: z.string(), seq: z._default(z.number(), 0) });
const resync = z.object({
  type: z.literal("resync"),
  epoch: z.optional(z.string()),
  seq: z._default(z.number(), 0),
});
const subscribed = z.object({
  type: z.literal("subscribed"),
  topics: z._default(z.array(z.string()), []),
});
const refused = z.object({
  type: z.literal("error"),
  code: z.string(),
  message: z._default(z.string(), ""),
  topics: z._default(z.array(z.string()), []),
});
const stats = z.object({
  type: z.literal("stats"),
  ts: z.number(),
  queues: z._default(z.array(z.object({ name: z.string(), paused: z.boolean(), counts })), []),
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
  jobId: z._default(z.string(), ""),
  ts: z.number(),
  seq: z.number(),
  name: z.optional(z.string()),
  prev: z.optional(z.string()),
  progress: z.optional(z.unknown()),
  returnValue: z.optional(z.unknown()),
  failedReason: z.optional(z.string()),
  truncated: z.optional(z.boolean()),
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
