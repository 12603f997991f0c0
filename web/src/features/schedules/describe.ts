import cronstrue from "cronstrue";
import type { Schedule } from "@/api/types";
import { formatDuration } from "@/lib/time";

/** A cron pattern in words; undefined if it can't be told. The server decides what is valid. */
export function describeCron(pattern: string): string | undefined {
  if (pattern.trim() === "") return undefined;
  try {
    return cronstrue.toString(pattern, { use24HourTimeFormat: true, verbose: false });
  } catch {
    return undefined;
  }
}

/** When a schedule runs, in words. */
export function describeSchedule(schedule: Pick<Schedule, "cron" | "every" | "tz">): string {
  if (schedule.every !== undefined) return `Every ${formatDuration(schedule.every)}`;
  if (schedule.cron === undefined) return "Never";
  return describeCron(schedule.cron) ?? schedule.cron;
}
