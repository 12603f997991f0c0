import { type DurationText, toMilliseconds } from "@/components/duration-input";
import { localTimeZone } from "@/lib/time";
import type { PreviewRequest } from "./queries";

/** When a schedule runs, as it is typed. */
export interface Timing {
  kind: "cron" | "every";
  cron: string;
  tz: string;
  every: DurationText;
}

export function initialTiming(): Timing {
  return { kind: "cron", cron: "0 9 * * 1-5", tz: localTimeZone(), every: { amount: "15", unit: "min" } };
}

/** The part of a request that says when; undefined while it is not complete. */
export function toRequest(timing: Timing): Pick<PreviewRequest, "cron" | "tz" | "every"> | undefined {
  if (timing.kind === "cron") {
    const cron = timing.cron.trim().replaceAll(/\s+/g, " ");
    return cron === "" ? undefined : { cron, tz: timing.tz };
  }
  const every = toMilliseconds(timing.every);
  return every === undefined || Number.isNaN(every) || every < 1 ? undefined : { every };
}
