const firstDelay = 500;
const longestDelay = 30_000;

/**
 * How long to wait before attempt n (from 0), in milliseconds: doubling, with
 * half of it random, so that the clients of a restarted server spread out.
 */
export function backoffDelay(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(longestDelay, firstDelay * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (ceiling / 2) * random();
}
