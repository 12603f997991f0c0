// A function alone, as BullMQ's own processor files have it.
export default async function processor(job, token, signal) {
  for (let part = 1; part <= job.data.parts; part += 1) {
    if (signal?.aborted) throw signal.reason;
    await new Promise((resolve) => setTimeout(resolve, job.data.pause));
    await job.updateProgress(Math.round((100 * part) / job.data.parts));
  }
  await job.extendLock(token, 30_000);
  return { parts: job.data.parts, state: await job.getState() };
}
