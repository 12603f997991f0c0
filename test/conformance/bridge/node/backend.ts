import type {
  FinishedStatus,
  IQueueBackend,
  JobsOptions,
  JobType,
  RepeatableOptions,
  StreamReadRaw,
} from "bullmq";
import { Channel } from "./channel.ts";
import { encodeOptions } from "./codec.ts";
import { Jobs } from "./jobs.ts";
import type { SessionOptions } from "./session.ts";

/** BullMQ's datastore, kept by the Go engine on the other end of the bridge. */
export class BridgeBackend extends Jobs implements IQueueBackend {
  /** Connects to the bridge that listens on a Unix socket. */
  static connect(socket: string, name: string, opts: SessionOptions, worker: boolean): BridgeBackend {
    return new BridgeBackend(new Channel(socket), name, opts, undefined, worker);
  }

  forQueue(queueName: string, prefix?: string): BridgeBackend {
    const opts = prefix === undefined ? this.opts : { ...this.opts, prefix };
    return new BridgeBackend(this.channel, queueName, opts, this.sibling());
  }

  // Job schedulers.

  async addJobScheduler(
    jobSchedulerId: string,
    nextMillis: number,
    templateData: string,
    templateOpts: JobsOptions,
    opts: RepeatableOptions,
    delayedJobOpts: JobsOptions,
    producerId?: string,
  ): Promise<[string, number]> {
    const { id, delay } = await this.call<{ id: string; delay: number }>("addJobScheduler", {
      id: jobSchedulerId,
      next: nextMillis,
      name: opts.name,
      repeat: opts,
      data: templateData,
      templateOpts: encodeOptions(templateOpts),
      jobOpts: delayedJobOpts,
      producerId,
    });
    return [id, delay];
  }

  async updateJobSchedulerNextMillis(
    jobSchedulerId: string,
    nextMillis: number,
    templateData: string,
    delayedJobOpts: JobsOptions,
    producerId?: string,
  ): Promise<string | null> {
    const id = await this.call<string | undefined>("updateJobSchedulerNextMillis", {
      id: jobSchedulerId,
      next: nextMillis,
      data: templateData,
      jobOpts: delayedJobOpts,
      producerId,
    });
    return id ?? null;
  }

  async removeJobScheduler(jobSchedulerId: string): Promise<number> {
    const missing = await this.call<boolean>("removeJobScheduler", { id: jobSchedulerId });
    return missing ? 1 : 0;
  }

  async getJobScheduler(id: string): Promise<[string[] | null, string | null]> {
    const next = await this.call<string | undefined>("getJobSchedulerNext", { id });
    if (next === undefined) {
      return [null, null];
    }
    return [Object.entries(await this.getJobSchedulerData(id)).flat(), next];
  }

  async isJobScheduler(id: string): Promise<boolean> {
    return (await this.getJobSchedulerData(id)).ic !== undefined;
  }

  async getJobSchedulerData(key: string): Promise<Record<string, string>> {
    return this.call("getJobSchedulerData", { id: key });
  }

  async getJobSchedulersRange(start: number, end: number, asc: boolean): Promise<string[]> {
    return this.call("getJobSchedulersRange", { start, end, asc });
  }

  async getJobSchedulersCount(): Promise<number> {
    return this.call("getJobSchedulersCount");
  }

  // The whole queue.

  async pause(pause: boolean): Promise<void> {
    await this.call("pause", { pause });
  }

  async drain(delayed: boolean): Promise<void> {
    await this.call("drain", { delayed });
  }

  async cleanJobsByState(state: string, timestamp: number, limit = 0): Promise<string[]> {
    return this.call("clean", { state, before: timestamp, limit });
  }

  async obliterate(opts: { force: boolean; count: number }): Promise<number> {
    await this.call("obliterate", { force: opts.force });
    return 0;
  }

  async removeOrphanedJobs(): Promise<number> {
    return this.call("removeOrphanedJobs");
  }

  async retryFinishedJobs(
    state: FinishedStatus = "failed",
    _count = 1000,
    timestamp = Date.now(),
  ): Promise<number> {
    await this.call("retryJobs", { state, before: timestamp });
    return 0;
  }

  async promoteJobs(): Promise<number> {
    await this.call("promoteJobs");
    return 0;
  }

  async isMaxed(): Promise<boolean> {
    return this.call("isMaxed");
  }

  async getRateLimitTtl(maxJobs?: number): Promise<number> {
    return this.call("getRateLimitTtl", { maxJobs });
  }

  async setRateLimit(expireTimeMs: number): Promise<void> {
    await this.call("setRateLimit", { duration: expireTimeMs });
  }

  async removeRateLimitKey(): Promise<number> {
    await this.call("removeRateLimit");
    return 1;
  }

  async getCounts(types: JobType[], delayedTimestamp?: number): Promise<number[]> {
    return this.call("getCounts", { types, delayedBefore: delayedTimestamp });
  }

  async getCountsPerPriority(priorities: number[]): Promise<number[]> {
    return this.call("getCountsPerPriority", { priorities });
  }

  async getRanges(types: JobType[], start = 0, end = 1, asc = false): Promise<[string][]> {
    const ranges = await this.call<string[][]>("getRanges", { types, start, end, asc });
    // The caller turns ascending ranges of lists around, for Redis gives them so.
    return ranges.map((ids, i) => {
      const list = ["wait", "waiting", "active", "paused"].includes(types[i] ?? "");
      return (asc && list ? ids.reverse() : ids) as [string];
    });
  }

  async getMetrics(type: FinishedStatus, start = 0, end = -1): Promise<[string[], string[], number]> {
    return this.call("getMetrics", { type, start, end });
  }

  async getClientList(): Promise<string[]> {
    return this.call("getClientList");
  }

  async setQueueMeta(values: Record<string, string | number>): Promise<number> {
    const texts = Object.entries(values).map(([field, value]) => [field, String(value)]);
    return this.call("setQueueMeta", { values: Object.fromEntries(texts) });
  }

  async getQueueMetaField(field: string): Promise<string | null> {
    const [value] = await this.getQueueMetaFields([field]);
    return value ?? null;
  }

  async getQueueMetaFields(fields: string[]): Promise<(string | null)[]> {
    return this.call("getQueueMetaFields", { fields });
  }

  async getQueueMeta(): Promise<Record<string, string>> {
    return this.call("getQueueMeta");
  }

  async removeQueueMetaFields(fields: string[]): Promise<number> {
    return this.call("removeQueueMetaFields", { fields });
  }

  async hasQueueMetaField(field: string): Promise<boolean> {
    return (await this.getQueueMetaField(field)) !== null;
  }

  async removeDeprecatedPriorityKey(): Promise<number> {
    return this.call("removeDeprecatedPriorityKey");
  }

  // Events.

  async trimEvents(maxLength: number): Promise<number> {
    return this.call("trimEvents", { max: maxLength });
  }

  async publishEvent(fields: Record<string, string | number>, maxEvents: number): Promise<string> {
    return this.call("publishEvent", { fields, maxEvents });
  }

  async readEvents(id: string, blockTimeout: number): Promise<StreamReadRaw> {
    const params = { after: id, timeout: blockTimeout };
    const entries = await this.channel.wait<{ id: string; fields: string[] }[]>(
      this.qualifiedName,
      "readEvents",
      params,
    );
    return entries.length === 0 ? null : [[this.toKey("events"), entries.map((e) => [e.id, e.fields])]];
  }
}
