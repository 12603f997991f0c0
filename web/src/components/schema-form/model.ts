import {
  type ExactJson,
  type ExactObject,
  isNumberText,
  isObject,
  JsonToken,
  parseExact,
  stringifyExact,
} from "@/lib/exact-json";
import type { FieldSchema, GroupField, ListField, NumberField, TextField } from "./schema";

/** The way to a field: names of members and places in lists. */
export type Path = readonly string[];

/** Messages by field; see {@link fieldKey}. */
export type FieldErrors = ReadonlyMap<string, string>;

/** The name of a field in a map of errors. The server's locations, `items[0].url`, come to the same. */
export function fieldKey(path: Path | string): string {
  const text = typeof path === "string" ? path : path.join(".");
  return text
    .replaceAll(/\[(\d+)\]/g, ".$1")
    .replaceAll("/", ".")
    .replace(/^\./, "");
}

/** What a form starts with: the defaults, and what a required field can't be without. */
export function initialValue(schema: FieldSchema, required = true): ExactJson | undefined {
  if (schema.default !== undefined) return schema.default;
  switch (schema.kind) {
    case "group":
      return initialGroup(schema, required);
    case "boolean":
      return required ? false : undefined;
    case "choice":
      return required && schema.options.length === 1 ? schema.options[0] : undefined;
    case "list":
      return required ? [] : undefined;
    default:
      return undefined;
  }
}

function initialGroup(schema: GroupField, required: boolean): ExactObject | undefined {
  const value: ExactObject = Object.create(null);
  for (const member of schema.members) {
    const initial = initialValue(member.schema, member.required && required);
    if (initial !== undefined) value[member.name] = initial;
  }
  return required || Object.keys(value).length > 0 ? value : undefined;
}

/** The value with one member changed; undefined removes it. */
export function withMember(
  value: ExactJson | undefined,
  name: string,
  member: ExactJson | undefined,
): ExactObject {
  const changed: ExactObject = Object.create(null);
  if (isObject(value)) Object.assign(changed, value);
  if (member === undefined) delete changed[name];
  else changed[name] = member;
  return changed;
}

export function withItem(value: readonly ExactJson[], index: number, item: ExactJson): ExactJson[] {
  return value.map((old, place) => (place === index ? item : old));
}

/**
 * What is wrong with a value, as far as the form can tell. The server checks
 * the whole schema; this saves the way there for what is plain to see.
 */
export function validate(schema: FieldSchema, value: ExactJson | undefined): Map<string, string> {
  const errors = new Map<string, string>();
  check(schema, value, true, [], errors);
  return errors;
}

function check(
  schema: FieldSchema,
  value: ExactJson | undefined,
  required: boolean,
  path: Path,
  errors: Map<string, string>,
): void {
  if (value === undefined) {
    if (required && path.length > 0) errors.set(fieldKey(path), "This is required.");
    else if (schema.kind === "group" && path.length === 0)
      checkGroup(schema, Object.create(null), path, errors);
    return;
  }
  const message = problemOf(schema, value);
  if (message !== undefined) {
    errors.set(fieldKey(path), message);
  } else if (schema.kind === "group" && isObject(value)) {
    checkGroup(schema, value, path, errors);
  } else if (schema.kind === "list" && Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      check(schema.item, isBlank(item) ? undefined : item, true, [...path, String(index)], errors);
    }
  }
}

function checkGroup(schema: GroupField, value: ExactObject, path: Path, errors: Map<string, string>): void {
  for (const member of schema.members) {
    check(member.schema, value[member.name], member.required, [...path, member.name], errors);
  }
}

/** A new item of a list that has not been filled in. */
function isBlank(item: ExactJson): boolean {
  return item instanceof JsonToken && item.text === "";
}

function problemOf(schema: FieldSchema, value: ExactJson): string | undefined {
  switch (schema.kind) {
    case "text":
      return typeof value === "string" ? textProblem(schema, value) : "This must be text.";
    case "number":
      return value instanceof JsonToken ? numberProblem(schema, value.text) : "This must be a number.";
    case "boolean":
      return typeof value === "boolean" ? undefined : "This must be true or false.";
    case "choice":
      return choiceIndex(schema.options, value) >= 0 ? undefined : "Choose one of the options.";
    case "list":
      return Array.isArray(value) ? listProblem(schema, value) : "This must be a list.";
    case "group":
      return isObject(value) ? undefined : "This must be an object.";
    case "json":
      return jsonProblem(value);
  }
}

function textProblem(schema: TextField, value: string): string | undefined {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength) {
    return `At least ${schema.minLength} characters are needed.`;
  }
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    return `At most ${schema.maxLength} characters are allowed.`;
  }
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) {
    return `This must match ${schema.pattern}`;
  }
  return undefined;
}

/** A pattern of another dialect than JavaScript's is left to the server. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function numberProblem(schema: NumberField, text: string): string | undefined {
  if (!isNumberText(text)) return "This must be a number.";
  if (schema.integer && !/^-?\d+$/.test(text)) return "This must be a whole number.";
  const value = Number(text);
  if (schema.minimum !== undefined && value < schema.minimum)
    return `This must be ${schema.minimum} or more.`;
  if (schema.maximum !== undefined && value > schema.maximum)
    return `This must be ${schema.maximum} or less.`;
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) {
    return `This must be more than ${schema.exclusiveMinimum}.`;
  }
  if (schema.exclusiveMaximum !== undefined && value >= schema.exclusiveMaximum) {
    return `This must be less than ${schema.exclusiveMaximum}.`;
  }
  return undefined;
}

function listProblem(schema: ListField, value: readonly ExactJson[]): string | undefined {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    return `At least ${schema.minItems} items are needed.`;
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    return `At most ${schema.maxItems} items are allowed.`;
  }
  return undefined;
}

function jsonProblem(value: ExactJson): string | undefined {
  try {
    parseExact(stringifyExact(value));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "This is not JSON.";
  }
}

/** Where a value stands among the options of a choice; -1 if it is none of them. */
export function choiceIndex(options: readonly ExactJson[], value: ExactJson | undefined): number {
  if (value === undefined) return -1;
  const text = stringifyExact(value);
  return options.findIndex((option) => stringifyExact(option) === text);
}
