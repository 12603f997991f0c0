import { type ExactJson, toExact } from "@/lib/exact-json";
import * as z from "@/lib/zod";

interface Common {
  title?: string;
  description?: string;
  default?: ExactJson;
}

export interface TextField extends Common {
  kind: "text";
  /** The input's type, as far as the schema's format has one. */
  input: "text" | "email" | "url" | "password" | "multiline";
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  example?: string;
}

export interface NumberField extends Common {
  kind: "number";
  integer: boolean;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

export interface BooleanField extends Common {
  kind: "boolean";
}

export interface ChoiceField extends Common {
  kind: "choice";
  options: ExactJson[];
}

export interface ListField extends Common {
  kind: "list";
  item: FieldSchema;
  minItems?: number;
  maxItems?: number;
}

export interface GroupField extends Common {
  kind: "group";
  members: Member[];
}

export interface Member {
  name: string;
  required: boolean;
  schema: FieldSchema;
}

/** What a form has no control for: it is written as JSON. */
export interface JsonField extends Common {
  kind: "json";
}

/** The part of JSON Schema that a form can show. */
export type FieldSchema =
  | TextField
  | NumberField
  | BooleanField
  | ChoiceField
  | ListField
  | GroupField
  | JsonField;

const node = z.looseObject({
  $ref: z.catch(z.optional(z.string()), undefined),
  type: z.catch(z.optional(z.union([z.string(), z.array(z.string())])), undefined),
  title: z.catch(z.optional(z.string()), undefined),
  description: z.catch(z.optional(z.string()), undefined),
  default: z.optional(z.unknown()),
  const: z.optional(z.unknown()),
  enum: z.catch(z.optional(z.array(z.unknown())), undefined),
  anyOf: z.catch(z.optional(z.array(z.unknown())), undefined),
  oneOf: z.catch(z.optional(z.array(z.unknown())), undefined),
  format: z.catch(z.optional(z.string()), undefined),
  writeOnly: z.catch(z.optional(z.boolean()), undefined),
  minLength: z.catch(z.optional(z.number()), undefined),
  maxLength: z.catch(z.optional(z.number()), undefined),
  pattern: z.catch(z.optional(z.string()), undefined),
  examples: z.catch(z.optional(z.array(z.unknown())), undefined),
  minimum: z.catch(z.optional(z.number()), undefined),
  maximum: z.catch(z.optional(z.number()), undefined),
  exclusiveMinimum: z.catch(z.optional(z.number()), undefined),
  exclusiveMaximum: z.catch(z.optional(z.number()), undefined),
  items: z.optional(z.unknown()),
  minItems: z.catch(z.optional(z.number()), undefined),
  maxItems: z.catch(z.optional(z.number()), undefined),
  properties: z.catch(z.optional(z.record(z.string(), z.unknown())), undefined),
  required: z.catch(z.optional(z.array(z.string())), undefined),
});

type Node = z.infer<typeof node>;

/** Schemas may refer to themselves; a form ends somewhere. */
const maximumDepth = 6;

/** Reads a JSON Schema. It is undefined if the schema doesn't describe an object with members, so no form can be made. */
export function readSchema(schema: unknown): GroupField | undefined {
  const field = readField(schema, schema, 0);
  return field.kind === "group" && field.members.length > 0 ? field : undefined;
}

function readField(schema: unknown, root: unknown, depth: number): FieldSchema {
  const parsed = node.safeParse(schema);
  if (!parsed.success || depth > maximumDepth) return { kind: "json" };
  const own = parsed.data;
  if (own.$ref !== undefined) return readReference(own, root, depth);

  const common = commonOf(own);
  const options = optionsOf(own);
  if (options) return { ...common, kind: "choice", options };

  switch (typeOf(own)) {
    case "string":
      return readText(own, common);
    case "integer":
    case "number":
      return readNumber(own, common);
    case "boolean":
      return { ...common, kind: "boolean" };
    case "array":
      return {
        ...common,
        kind: "list",
        item: readField(own.items ?? {}, root, depth + 1),
        minItems: own.minItems,
        maxItems: own.maxItems,
      };
    case "object":
      return readGroup(own, common, root, depth);
    default:
      return readOnlyAlternative(own, common, root, depth);
  }
}

function readReference(own: Node, root: unknown, depth: number): FieldSchema {
  const target = resolve(own.$ref ?? "", root);
  if (target === undefined) return { ...commonOf(own), kind: "json" };
  const field = readField(target, root, depth + 1);
  return { ...field, ...commonOf(own) };
}

/** Finds what a reference within the document, such as #/$defs/address, points at. */
function resolve(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    if (typeof found !== "object" || found === null) return undefined;
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : undefined;
  }
  return found;
}

function commonOf(own: Node): Common {
  const common: Common = {};
  if (own.title !== undefined) common.title = own.title;
  if (own.description !== undefined) common.description = own.description;
  if (own.default !== undefined) common.default = toExact(own.default);
  return common;
}

function optionsOf(own: Node): ExactJson[] | undefined {
  if (own.enum) return own.enum.map(toExact);
  if (own.const !== undefined) return [toExact(own.const)];
  const alternatives = own.oneOf ?? own.anyOf;
  const constants = alternatives?.map((alternative) => node.safeParse(alternative).data?.const);
  if (!constants || constants.length === 0 || constants.includes(undefined)) return undefined;
  return constants.map(toExact);
}

function typeOf(own: Node): string | undefined {
  if (own.type === undefined) return own.properties ? "object" : undefined;
  if (typeof own.type === "string") return own.type;
  const types = own.type.filter((type) => type !== "null");
  return types.length === 1 ? types[0] : undefined;
}

/** A choice between one shape and null is that shape, left out where it is null. */
function readOnlyAlternative(own: Node, common: Common, root: unknown, depth: number): FieldSchema {
  const alternatives = (own.oneOf ?? own.anyOf ?? []).filter(
    (alternative) => node.safeParse(alternative).data?.type !== "null",
  );
  if (alternatives.length !== 1) return { ...common, kind: "json" };
  return { ...readField(alternatives[0], root, depth + 1), ...common };
}

function readText(own: Node, common: Common): TextField {
  const example = own.examples?.find((candidate) => typeof candidate === "string");
  return {
    ...common,
    kind: "text",
    input: inputOf(own),
    minLength: own.minLength,
    maxLength: own.maxLength,
    pattern: own.pattern,
    example: typeof example === "string" ? example : undefined,
  };
}

function inputOf(own: Node): TextField["input"] {
  if (own.format === "password" || own.writeOnly) return "password";
  if (own.format === "email") return "email";
  if (own.format === "uri" || own.format === "url") return "url";
  if (own.format === "textarea" || own.format === "multiline" || (own.maxLength ?? 0) > 500)
    return "multiline";
  return "text";
}

function readNumber(own: Node, common: Common): NumberField {
  return {
    ...common,
    kind: "number",
    integer: typeOf(own) === "integer",
    minimum: own.minimum,
    maximum: own.maximum,
    exclusiveMinimum: own.exclusiveMinimum,
    exclusiveMaximum: own.exclusiveMaximum,
  };
}

function readGroup(own: Node, common: Common, root: unknown, depth: number): FieldSchema {
  const members = Object.entries(own.properties ?? {}).map(([name, schema]) => ({
    name,
    required: own.required?.includes(name) ?? false,
    schema: readField(schema, root, depth + 1),
  }));
  // An object of free names has no fields to show.
  return members.length === 0 ? { ...common, kind: "json" } : { ...common, kind: "group", members };
}
