import { type ExactJson, isObject, parseExact, stringifyExact } from "@/lib/exact-json";
import type { Job } from "./types";

/** A job, with its payloads as the JSON text that the server sent. */
export interface JobDetail {
  job: Job;
  /** Numbers in these texts are exact; those in `job` went through JavaScript's. */
  exact: { data: string; opts: string; returnValue?: string; progress?: string };
}

/** Reads the body of a job's answer. */
export function readJobDetail(body: string): JobDetail {
  const parsed = parseExact(body);
  const member = (name: string): string | undefined => {
    const value: ExactJson | undefined = isObject(parsed) ? parsed[name] : undefined;
    return value === undefined ? undefined : stringifyExact(value);
  };
  return {
    job: JSON.parse(body) as Job,
    exact: {
      data: member("data") ?? "null",
      opts: member("opts") ?? "{}",
      returnValue: member("returnValue"),
      progress: member("progress"),
    },
  };
}
