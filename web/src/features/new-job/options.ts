import type { JobOptions } from "@/api/types";
import { type DurationText, toMilliseconds } from "@/components/duration-input";

/** A job's options as they are typed. Empty fields are left to the handler's and the queue's defaults. */
export interface OptionsForm {
  jobId: string;
  delay: DurationText;
  priority: string;
  attempts: string;
  backoffType: "" | "fixed" | "exponential";
  backoffDelay: DurationText;
}

export const emptyOptions: OptionsForm = {
  jobId: "",
  delay: { amount: "", unit: "s" },
  priority: "",
  attempts: "",
  backoffType: "",
  backoffDelay: { amount: "", unit: "s" },
};

/** Where the server's refusals of options are shown. */
export const optionFields = {
  "body.opts.jobId": "jobId",
  "body.opts.delay": "delay",
  "body.opts.priority": "priority",
  "body.opts.attempts": "attempts",
  "body.opts.backoff": "backoffDelay",
  "body.opts.backoff.type": "backoffType",
  "body.opts.backoff.delay": "backoffDelay",
} as const satisfies Record<string, keyof OptionsForm>;

const highestPriority = 2_097_151;

/** Checks one whole number; an empty text is none. */
export function wholeNumberProblem(text: string, lowest: number, highest: number): string | undefined {
  if (text.trim() === "") return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text.trim())) return "This must be a whole number.";
  if (value < lowest || value > highest) return `This must be from ${lowest} to ${highest}.`;
  return undefined;
}

export const optionRules = {
  priority: (text: string) => wholeNumberProblem(text, 0, highestPriority),
  attempts: (text: string) => wholeNumberProblem(text, 1, 2_147_483_647),
  duration: (value: DurationText) =>
    Number.isNaN(toMilliseconds(value)) ? "This must be a number." : undefined,
};

/** The options to send; only what was filled in. */
export function toJobOptions(form: OptionsForm): JobOptions {
  const options: JobOptions = {};
  const delay = toMilliseconds(form.delay);
  if (form.jobId.trim() !== "") options.jobId = form.jobId.trim();
  if (delay !== undefined && delay > 0) options.delay = delay;
  if (form.priority.trim() !== "") options.priority = Number(form.priority);
  if (form.attempts.trim() !== "") options.attempts = Number(form.attempts);
  if (form.backoffType !== "") {
    options.backoff = { type: form.backoffType, delay: toMilliseconds(form.backoffDelay) ?? 0 };
  }
  return options;
}
