/** The names of the keys that a queue has, by which BullMQ's classes look them up. */
const names = [
  "",
  "active",
  "completed",
  "de",
  "delayed",
  "events",
  "failed",
  "id",
  "limiter",
  "marker",
  "meta",
  "paused",
  "pc",
  "prioritized",
  "repeat",
  "stalled",
  "stalled-check",
  "wait",
  "waiting-children",
];

/** The keys of the queue with this qualified name. */
export function queueKeys(queue: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `${queue}:${name}`]));
}

/** Takes the key of a job apart. The prefix may have colons, the rest has none. */
export function parseJobKey(key: string): { prefix: string; queueName: string; id: string } {
  const parts = key.split(":");
  if (parts.length < 3) {
    const [prefix = "", queueName = "", id = ""] = parts;
    return { prefix, queueName, id };
  }
  const [queueName = "", id = ""] = parts.slice(-2);
  return { prefix: parts.slice(0, -2).join(":"), queueName, id };
}
