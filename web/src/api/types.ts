import type { components } from "./schema";

type Schemas = components["schemas"];

export type ApiKey = Schemas["APIKey"];
export type CreatedApiKey = Schemas["CreatedAPIKey"];
export type Handler = Schemas["Handler"];
export type HandlerError = Schemas["HandlerError"];
export type HandlerWorker = Schemas["HandlerWorker"];
export type Job = Schemas["Job"];
export type JobCounts = Schemas["JobCounts"];
export type JobOptions = Schemas["JobOptions"];
export type JobState = Schemas["JobState"];
export type Principal = Schemas["Principal"];
export type Problem = Schemas["Problem"];
export type Queue = Schemas["Queue"];
export type Schedule = Schemas["Schedule"];
export type Session = Schemas["Session"];
export type Stats = Schemas["Stats"];
export type WaitingReason = Schemas["WaitingReason"];
export type Worker = Schemas["Worker"];
export type WorkerConnection = Schemas["WorkerConnection"];
export type WorkerQueue = Schemas["WorkerQueue"];

/** Every state a job can be in, in the order of its life. */
export const jobStates = [
  "waiting",
  "prioritized",
  "delayed",
  "waiting-children",
  "active",
  "completed",
  "failed",
] as const satisfies readonly JobState[];
