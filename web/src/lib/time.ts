const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const relative = new Intl.RelativeTimeFormat("en-US", { numeric: "auto", style: "short" });

const steps: ReadonlyArray<[limit: number, unit: Intl.RelativeTimeFormatUnit, size: number]> = [
  [minute, "second", second],
  [hour, "minute", minute],
  [day, "hour", hour],
  [30 * day, "day", day],
  [365 * day, "month", 30 * day],
  [Number.POSITIVE_INFINITY, "year", 365 * day],
];

/** "3 min. ago", "in 2 hr.", "now". Both times are epoch milliseconds. */
export function formatRelative(time: number, now: number): string {
  const difference = time - now;
  const distance = Math.abs(difference);
  if (distance < 5 * second) return "now";
  for (const [limit, unit, size] of steps) {
    const count = Math.round(distance / size);
    if (count * size < limit) return relative.format(Math.sign(difference) * count, unit);
  }
  return "";
}

/** How long {@link formatRelative} keeps telling the same, in milliseconds, roughly. */
export function relativeRefreshInterval(time: number, now: number): number {
  const distance = Math.abs(time - now);
  if (distance < minute) return second;
  return distance < hour ? 15 * second : minute;
}

const exact = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
  timeZoneName: "short",
});

/** The time to the millisecond in the reader's zone. */
export function formatExact(time: number): string {
  return exact.format(time);
}

/** "Mon 23 Nov, 09:00:00 CET": a wall-clock time of the coming year in a named zone; without a zone, the reader's. */
export function formatInZone(time: number, timeZone?: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZone,
    timeZoneName: "short",
  }).format(time);
}

/** A span in its two largest units: "850 ms", "4.2 s", "3 min 5 s", "2 h", "1 d 4 h". */
export function formatDuration(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < second) return `${Math.round(span)} ms`;
  if (span < 10 * second) return `${trimZero((span / second).toFixed(1))} s`;
  if (span < minute) return `${Math.floor(span / second)} s`;
  if (span < hour) return twoUnits(span, minute, "min", second, "s");
  if (span < day) return twoUnits(span, hour, "h", minute, "min");
  return twoUnits(span, day, "d", hour, "h");
}

function twoUnits(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % large) / small);
  const head = `${Math.floor(span / large)} ${largeName}`;
  return rest === 0 ? head : `${head} ${rest} ${smallName}`;
}

function trimZero(text: string): string {
  return text.endsWith(".0") ? text.slice(0, -2) : text;
}

/** The zones the browser knows, UTC first. */
export function timeZones(): string[] {
  const zones = Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC");
  return ["UTC", ...zones];
}

/** The reader's own zone. */
export function localTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
