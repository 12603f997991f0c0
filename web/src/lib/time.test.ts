import { describe, expect, it } from "vitest";
import { formatDuration, formatInZone, formatRelative } from "./time";

const now = Date.UTC(2026, 10, 23, 12, 0, 0);

describe("formatRelative", () => {
  it.each([
    [0, "now"],
    [-4_999, "now"],
    [-12_000, "12 sec. ago"],
    [-59_400, "59 sec. ago"],
    [-59_999, "1 min. ago"],
    [7_199_000, "in 2 hr."],
    [-60_000, "1 min. ago"],
    [80 * 60_000, "in 1 hr."],
    [-26 * 3_600_000, "yesterday"],
    [-40 * 86_400_000, "last mo."],
    [800 * 86_400_000, "in 2 yr."],
  ])("tells %d ms as %s", (offset, text) => {
    expect(formatRelative(now + offset, now)).toBe(text);
  });
});

describe("formatDuration", () => {
  it.each([
    [-5, "0 ms"],
    [0.4, "0 ms"],
    [850, "850 ms"],
    [4_000, "4 s"],
    [4_230, "4.2 s"],
    [59_999, "59 s"],
    [185_000, "3 min 5 s"],
    [7_200_000, "2 h"],
    [100_800_000, "1 d 4 h"],
  ])("tells %d ms as %s", (span, text) => {
    expect(formatDuration(span)).toBe(text);
  });
});

describe("formatInZone", () => {
  it("shows the wall clock of the zone", () => {
    expect(formatInZone(now, "Asia/Tokyo")).toContain("21:00:00");
    expect(formatInZone(now, "UTC")).toBe("Mon 23 Nov, 12:00:00 UTC");
  });
});
