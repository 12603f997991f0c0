import { useEffect, useState } from "react";
import type { JobCounts } from "@/api/types";
import { backlog } from "@/features/queues/queries";

/** Samples kept; the oldest give way. */
export const keptSamples = 120;
/** Changes that come closer together than this, in milliseconds, make one sample. */
const sampleInterval = 1000;

export interface Sample {
  time: number;
  backlog: number;
  active: number;
}

/** The samples with one more; within an interval the newest replaces the one before. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const last = samples.at(-1);
  const kept = last && sample.time - last.time < sampleInterval ? samples.slice(0, -1) : samples;
  const time = kept === samples ? sample.time : (last?.time ?? sample.time);
  return [...kept, { ...sample, time }].slice(-keptSamples);
}

/** What the counts have been since the page was opened. */
export function useHistory(counts: JobCounts | undefined, updatedAt: number): Sample[] {
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    if (!counts) return;
    setSamples((before) =>
      withSample(before, { time: updatedAt, backlog: backlog(counts), active: counts.active }),
    );
  }, [counts, updatedAt]);
  return samples;
}
