// The operations of a scenario, each as a function of the session and the step.
// What it returns is the step's answer.
import { UnrecoverableError } from "bullmq";

/** Calls a method of the stored job with what args makes of the step. */
const onJob =
  (method, args = () => []) =>
  async (s, step) =>
    (await s.job(step))[method](...args(step));

/** Calls a method of the queue with what args makes of the step. */
const onQueue =
  (method, args = () => []) =>
  (s, step) =>
    s.queue(step)[method](...args(step));

/** Reads the fetched job out of the answer of a finish that fetched the next one. */
async function fetched(worker, answer, token) {
  if (!Array.isArray(answer)) return null;
  const [data, id, limit, until] = answer;
  worker.updateDelays(limit, until);
  return (await worker.nextJobFromJobData(data, id, token)) ?? null;
}

function thrown({ error: { name, message = "", stack, unrecoverable } = {} }) {
  const error = unrecoverable ? new UnrecoverableError(message) : new Error(message);
  if (name) error.name = name;
  error.stack = stack ?? `${error.name}${message && `: ${message}`}\n    at frame`;
  return error;
}

const flowNode = ({ children, ...node }) => ({
  ...node,
  ...(children && { children: children.map(flowNode) }),
});

const adding = {
  init: async (s, step) => {
    const queue = s.queue(step, { skipMetasUpdate: false });
    await queue.waitUntilReady();
    await queue.queueMetaInitialized;
  },
  add: async (s, step) => (await s.queue(step).add(step.name ?? "job", step.data, step.opts)).id,
  addBulk: async (s, step) =>
    (
      await s.queue(step).addBulk(step.jobs.map(({ name = "job", data, opts }) => ({ name, data, opts })))
    ).map(({ id }) => id),
  addFlow: async (s, { flow, queuesOptions }) => ids(await s.flows().add(flowNode(flow), { queuesOptions })),
  addFlows: async (s, { flows }) => (await s.flows().addBulk(flows.map(flowNode))).map(ids),
  getFlow: async (s, { flow }) => (await s.flows().getFlow({ prefix: s.prefix, ...flow })) ?? null,
};

const ids = ({ job, children }) => ({ id: job.id, ...(children && { children: children.map(ids) }) });

const working = {
  fetch: async (s, step) => (await s.worker(step).getNextJob(step.token, { block: false })) ?? null,
  complete: async (s, step) => {
    const worker = s.worker(step);
    const job = await s.job(step, worker);
    const answer = await job.moveToCompleted(step.value, step.token, Boolean(step.fetch));
    return fetched(worker, answer, step.token);
  },
  fail: async (s, step) => {
    const worker = s.worker(step);
    const job = await s.job(step, worker);
    const answer = await job.moveToFailed(thrown(step), step.token, Boolean(step.fetch));
    return fetched(worker, answer, step.token);
  },
  moveToDelayed: async (s, step) =>
    (await s.job(step, s.worker(step))).moveToDelayed(Date.now() + step.delay, step.token),
  moveToWait: async (s, step) => (await s.job(step, s.worker(step))).moveToWait(step.token),
  moveToWaitingChildren: async (s, step) =>
    (await s.job(step, s.worker(step))).moveToWaitingChildren(step.token),
  extendLock: async (s, step) => (await s.job(step)).extendLock(step.token, step.duration),
  extendLocks: (s, step) => s.worker(step).extendJobLocks(step.ids, step.tokens, step.duration),
  stalled: async (s, step) => {
    const worker = s.worker(step);
    const ids = [];
    const note = (id) => ids.push(id);
    worker.on("stalled", note);
    await worker.moveStalledJobsToWait();
    worker.off("stalled", note);
    return ids;
  },
};

const jobs = {
  job: async (s, step) => (await s.queue(step).getJob(step.id)) ?? null,
  state: onQueue("getJobState", ({ id }) => [id]),
  updateData: onJob("updateData", ({ data }) => [data]),
  updateProgress: onJob("updateProgress", ({ progress }) => [progress]),
  log: onJob("log", ({ line }) => [line]),
  clearLogs: onJob("clearLogs", ({ keep }) => [keep]),
  logs: (s, { start, end, asc, ...step }) => s.queue(step).getJobLogs(step.id, start, end, asc),
  retry: onJob("retry", ({ state, options }) => [state, options]),
  promote: onJob("promote"),
  changeDelay: onJob("changeDelay", ({ delay }) => [delay]),
  changePriority: onJob("changePriority", ({ priority, lifo }) => [{ priority, lifo }]),
  remove: onJob("remove", ({ removeChildren }) => [{ removeChildren }]),
  removeChildDependency: onJob("removeChildDependency"),
  removeUnprocessedChildren: onJob("removeUnprocessedChildren"),
  removeJobDeduplicationKey: onJob("removeDeduplicationKey"),
  childrenValues: onJob("getChildrenValues"),
  ignoredChildrenFailures: onJob("getIgnoredChildrenFailures"),
  dependencies: onJob("getDependencies"),
  dependenciesCount: onJob("getDependenciesCount"),
};

const queues = {
  pause: onQueue("pause"),
  resume: onQueue("resume"),
  isPaused: onQueue("isPaused"),
  isMaxed: onQueue("isMaxed"),
  setGlobalConcurrency: onQueue("setGlobalConcurrency", ({ concurrency }) => [concurrency]),
  removeGlobalConcurrency: onQueue("removeGlobalConcurrency"),
  globalConcurrency: onQueue("getGlobalConcurrency"),
  setGlobalRateLimit: onQueue("setGlobalRateLimit", ({ max, duration }) => [max, duration]),
  removeGlobalRateLimit: onQueue("removeGlobalRateLimit"),
  globalRateLimit: onQueue("getGlobalRateLimit"),
  rateLimit: onQueue("rateLimit", ({ duration }) => [duration]),
  removeRateLimit: onQueue("removeRateLimitKey"),
  rateLimitTTL: onQueue("getRateLimitTtl", ({ max }) => [max]),
  drain: onQueue("drain", ({ delayed }) => [delayed]),
  clean: onQueue("clean", ({ grace = 0, limit = 0, state }) => [grace, limit, state]),
  obliterate: onQueue("obliterate", ({ force }) => [{ force }]),
  removeOrphanedJobs: onQueue("removeOrphanedJobs"),
  retryJobs: (s, { state, before, count, ...step }) =>
    s.queue(step).retryJobs({ state, count, timestamp: before ?? undefined }),
  promoteJobs: onQueue("promoteJobs", ({ count }) => [{ count }]),
  trimEvents: onQueue("trimEvents", ({ max }) => [max]),
  publishEvent: (s, step) => s.events(step).publishEvent({ eventName: step.event, ...step.fields }, step.max),
  deduplicationJobID: onQueue("getDeduplicationJobId", ({ id }) => [id]),
  removeDeduplicationKey: onQueue("removeDeduplicationKey", ({ id }) => [id]),
};

const getters = {
  counts: onQueue("getJobCounts"),
  count: onQueue("count"),
  countsPerPriority: onQueue("getCountsPerPriority", ({ priorities }) => [priorities]),
  delayedCount: onQueue("getDelayedCount", ({ before }) => [before]),
  jobs: (s, { state, start = 0, end = -1, asc, ...step }) => s.queue(step).getJobs([state], start, end, asc),
  meta: onQueue("getMeta"),
  metrics: (s, { state, start, end, ...step }) => s.queue(step).getMetrics(state, start, end),
};

const schedulers = {
  upsertScheduler: async (s, { id, repeat, template, ...step }) =>
    (await s.queue(step).upsertJobScheduler(id, repeat, template))?.id ?? null,
  removeScheduler: onQueue("removeJobScheduler", ({ id }) => [id]),
  scheduler: async (s, step) => (await s.queue(step).getJobScheduler(step.id)) ?? null,
  schedulers: (s, { start, end, asc, ...step }) => s.queue(step).getJobSchedulers(start, end, asc),
  schedulersCount: onQueue("getJobSchedulersCount"),
};

export const operations = { ...adding, ...working, ...jobs, ...queues, ...getters, ...schedulers };
