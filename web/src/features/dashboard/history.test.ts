import { describe, expect, it } from "vitest";
import { keptSamples, type Sample, withSample } from "./history";

describe("history", () => {
  it("keeps one sample a second, with the newest values", () => {
    let samples: Sample[] = [];
    for (const [time, backlog] of [
      [0, 5],
      [400, 6],
      [900, 7],
      [1000, 8],
    ] as const) {
      samples = withSample(samples, { time, backlog, active: 0 });
    }
    expect(samples).toEqual([
      { time: 0, backlog: 7, active: 0 },
      { time: 1000, backlog: 8, active: 0 },
    ]);
  });

  it("forgets the oldest", () => {
    let samples: Sample[] = [];
    for (let second = 0; second < keptSamples + 10; second += 1) {
      samples = withSample(samples, { time: second * 1000, backlog: second, active: 0 });
    }
    expect(samples).toHaveLength(keptSamples);
    expect(samples[0]?.backlog).toBe(10);
  });
});
