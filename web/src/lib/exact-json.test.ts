import { describe, expect, it } from "vitest";
import { JsonSyntaxError, parseExact, stringifyExact } from "./exact-json";

describe("exact JSON", () => {
  it.each([
    "9007199254740993",
    "-0.10",
    "1E400",
    '{"id":12345678901234567890,"tags":["a",1.0,null,true,false],"nested":{}}',
    '"quote \\" and \\u2028"',
    "[]",
  ])("keeps %s through parsing and writing", (text) => {
    const written = stringifyExact(parseExact(text));
    expect(JSON.parse(written)).toEqual(JSON.parse(text));
    expect(written.match(/\d+/g)).toEqual(text.replace("\\u2028", " ").match(/\d+/g));
  });

  it("keeps a member called __proto__ as data", () => {
    expect(stringifyExact(parseExact('{"__proto__":{"admin":true}}'))).toBe('{"__proto__":{"admin":true}}');
  });

  it("lays values out like JSON.stringify", () => {
    const value = { a: [1, { b: "c" }], d: {}, e: [] };
    expect(stringifyExact(parseExact(JSON.stringify(value)), 2)).toBe(JSON.stringify(value, null, 2));
  });

  it.each([
    ["{", 1, 2],
    ['{"a":1,}', 1, 8],
    ["[1 2]", 1, 4],
    ['{\n  "a": tru\n}', 2, 8],
    ["01", 1, 2],
    ["'a'", 1, 1],
    ['"a\nb"', 1, 1],
    ["", 1, 1],
  ])("says where %j is wrong", (text, line, column) => {
    try {
      parseExact(text);
    } catch (error) {
      expect(error).toBeInstanceOf(JsonSyntaxError);
      expect(error).toMatchObject({ line, column });
      return;
    }
    throw new Error("parsed");
  });

  it("refuses nesting that would exhaust the stack", () => {
    expect(() => parseExact("[".repeat(100_000))).toThrow(/Nested deeper/);
  });
});
