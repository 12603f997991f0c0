import { describe, expect, it } from "vitest";
import { formatBytes, formatCompactCount, formatCount, plural } from "./format";

describe("numbers", () => {
  it("groups thousands", () => {
    expect(formatCount(1234567)).toBe("1,234,567");
  });

  it("shortens only large counts", () => {
    expect(formatCompactCount(99_999)).toBe("99,999");
    expect(formatCompactCount(1_250_000)).toBe("1.3M");
  });

  it("agrees in number", () => {
    expect(plural(1, "job")).toBe("1 job");
    expect(plural(0, "job")).toBe("0 jobs");
    expect(plural(2, "retry", "retries")).toBe("2 retries");
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1536, "1.5 kB"],
    [250_000, "250 kB"],
    [3_000_000, "3.0 MB"],
  ])("tells %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
