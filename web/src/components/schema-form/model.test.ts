import { describe, expect, it } from "vitest";
import { JsonToken, parseExact, stringifyExact } from "@/lib/exact-json";
import { fieldKey, initialValue, validate, withMember } from "./model";
import { payloadErrors, payloadFrom } from "./payload";
import { type GroupField, readSchema } from "./schema";

function schemaOf(properties: object, required: string[] = []): GroupField {
  const schema = readSchema({ type: "object", properties, required });
  if (!schema) throw new Error("no form");
  return schema;
}

const errorsOf = (schema: GroupField, json: string) => Object.fromEntries(validate(schema, parseExact(json)));

describe("the value a form starts with", () => {
  it("has the defaults and what is required and can be empty", () => {
    const schema = schemaOf(
      {
        method: { enum: ["GET", "POST"], default: "GET" },
        url: { type: "string" },
        on: { type: "boolean" },
        off: { type: "boolean" },
        tags: { type: "array", items: {} },
        auth: { type: "object", properties: { user: { type: "string" } } },
        limits: { type: "object", properties: { max: { type: "integer", default: 10 } } },
      },
      ["url", "on", "tags"],
    );
    expect(stringifyExact(initialValue(schema) ?? null)).toBe(
      '{"method":"GET","on":false,"tags":[],"limits":{"max":10}}',
    );
  });
});

describe("what a form finds wrong", () => {
  const schema = schemaOf(
    {
      name: { type: "string", minLength: 2, pattern: "^[a-z]+$" },
      count: { type: "integer", minimum: 1, maximum: 10 },
      mode: { enum: ["a", 1] },
      list: {
        type: "array",
        minItems: 1,
        items: { type: "object", required: ["url"], properties: { url: { type: "string" } } },
      },
    },
    ["name"],
  );

  it("is nothing in a good value", () => {
    expect(errorsOf(schema, '{"name":"ab","count":3,"mode":1,"list":[{"url":"x"}],"more":true}')).toEqual({});
  });

  it("names each field", () => {
    expect(errorsOf(schema, '{"count":1.5,"mode":"b","list":[{}]}')).toEqual({
      name: "This is required.",
      count: "This must be a whole number.",
      mode: "Choose one of the options.",
      "list.0.url": "This is required.",
    });
    expect(errorsOf(schema, '{"name":"A","count":11,"list":[]}')).toEqual({
      name: "At least 2 characters are needed.",
      count: "This must be 10 or less.",
      list: "At least 1 items are needed.",
    });
  });

  it("includes a number that is not typed to its end", () => {
    const value = withMember(parseExact('{"name":"ab"}'), "count", new JsonToken("1e"));
    expect(validate(schema, value).get("count")).toBe("This must be a number.");
  });

  it("leaves a pattern of another dialect to the server", () => {
    const other = schemaOf({ name: { type: "string", pattern: "(?P<x>" } });
    expect(errorsOf(other, '{"name":"ab"}')).toEqual({});
  });
});

describe("the server's refusals", () => {
  it("come to the fields they name, however places in lists are written", () => {
    const { own, others } = payloadErrors(
      [
        { location: "body.data.headers[0].name", message: "a" },
        { location: "body.data/headers/1/name", message: "b" },
        { location: "body.data", message: "c" },
        { location: "body.database", message: "d" },
        { location: "body.opts.priority", message: "e" },
      ],
      "body.data",
    );
    expect(Object.fromEntries(own)).toEqual({ "headers.0.name": "a", "headers.1.name": "b", "": "c" });
    expect(others).toBe(true);
    expect(fieldKey(["headers", "0", "name"])).toBe("headers.0.name");
  });
});

describe("a payload", () => {
  it("keeps its text while it is not JSON", () => {
    expect(payloadFrom('{"a":')).toEqual({ text: '{"a":', value: undefined });
  });
});
