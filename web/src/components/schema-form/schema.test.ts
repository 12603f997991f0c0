import { describe, expect, it } from "vitest";
import { readSchema } from "./schema";

const membersOf = (properties: object, rest: object = {}) =>
  Object.fromEntries(
    readSchema({ type: "object", properties, ...rest })?.members.map(({ name, schema }) => [name, schema]) ??
      [],
  );

describe("reading a JSON Schema", () => {
  it("finds a control for each type", () => {
    const members = membersOf({
      url: { type: "string", format: "uri" },
      note: { type: "string", maxLength: 5000 },
      count: { type: "integer", minimum: 1 },
      ratio: { type: "number" },
      on: { type: "boolean" },
      mode: { enum: ["fast", 2, null] },
      tags: { type: "array", items: { type: "string" }, maxItems: 3 },
      free: { type: "object", additionalProperties: { type: "string" } },
      anything: {},
    });
    expect(members.url).toMatchObject({ kind: "text", input: "url" });
    expect(members.note).toMatchObject({ kind: "text", input: "multiline" });
    expect(members.count).toMatchObject({ kind: "number", integer: true, minimum: 1 });
    expect(members.ratio).toMatchObject({ kind: "number", integer: false });
    expect(members.on).toMatchObject({ kind: "boolean" });
    expect(members.mode).toMatchObject({ kind: "choice" });
    expect(members.tags).toMatchObject({ kind: "list", item: { kind: "text" }, maxItems: 3 });
    expect(members.free).toMatchObject({ kind: "json" });
    expect(members.anything).toMatchObject({ kind: "json" });
  });

  it("takes what may be null for what it is otherwise", () => {
    const members = membersOf({
      a: { type: ["integer", "null"] },
      b: { anyOf: [{ type: "string", format: "email" }, { type: "null" }], title: "Address" },
      c: { oneOf: [{ const: "x" }, { const: "y" }] },
      d: { oneOf: [{ type: "string" }, { type: "integer" }] },
    });
    expect(members.a).toMatchObject({ kind: "number", integer: true });
    expect(members.b).toMatchObject({ kind: "text", input: "email", title: "Address" });
    expect(members.c).toMatchObject({ kind: "choice", options: ["x", "y"] });
    expect(members.d).toMatchObject({ kind: "json" });
  });

  it("follows references within the document", () => {
    const members = membersOf(
      { to: { $ref: "#/$defs/address", description: "Where to" }, gone: { $ref: "#/$defs/none" } },
      { $defs: { address: { type: "object", properties: { city: { type: "string" } } } } },
    );
    expect(members.to).toMatchObject({ kind: "group", description: "Where to", members: [{ name: "city" }] });
    expect(members.gone).toMatchObject({ kind: "json" });
  });

  it("ends where a schema refers to itself", () => {
    const schema = { type: "object", properties: { next: { $ref: "#" }, name: { type: "string" } } };
    expect(readSchema(schema)?.members.map(({ name }) => name)).toEqual(["next", "name"]);
  });

  it.each([undefined, null, true, {}, { type: "string" }, { type: "object" }, "nonsense"])(
    "makes no form of %j",
    (schema) => {
      expect(readSchema(schema)).toBeUndefined();
    },
  );
});
