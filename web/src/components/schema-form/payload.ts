import { useState } from "react";
import { type ExactJson, parseExact, stringifyExact } from "@/lib/exact-json";
import { fieldKey, initialValue, validate } from "./model";
import type { GroupField } from "./schema";

export type PayloadView = "form" | "json";

export interface Payload {
  /** The text, as it is sent. */
  text: string;
  /** The text's value; undefined while it is not JSON. */
  value: ExactJson | undefined;
}

export function payloadOf(value: ExactJson): Payload {
  return { text: stringifyExact(value, 2), value };
}

export function payloadFrom(text: string): Payload {
  try {
    return { text, value: parseExact(text) };
  } catch {
    return { text, value: undefined };
  }
}

/** What is wrong with a payload, by field; an empty name stands for the whole. */
export function checkPayload(payload: Payload, schema: GroupField | undefined): Map<string, string> {
  if (schema && payload.value !== undefined) {
    const errors = validate(schema, payload.value);
    if (errors.size > 0) return errors;
  }
  // A form can hold what is no JSON yet, in a part it has no control for.
  try {
    parseExact(payload.text);
    return new Map();
  } catch (error) {
    return new Map([["", error instanceof Error ? error.message : "This is not JSON."]]);
  }
}

/** Takes those of the server's refusals that concern the payload, by field. */
export function payloadErrors(
  fields: ReadonlyArray<{ location: string; message: string }>,
  prefix: string,
): { own: Map<string, string>; others: boolean } {
  const own = new Map<string, string>();
  let others = false;
  for (const { location, message } of fields) {
    const rest = location.startsWith(prefix) ? location.slice(prefix.length) : undefined;
    if (rest === undefined || (rest !== "" && !/^[./[]/.test(rest))) others = true;
    else own.set(fieldKey(rest), message);
  }
  return { own, others };
}

/** The payload being edited, starting over when the schema does. */
export function usePayload(schema: GroupField | undefined, schemaKey: string) {
  const start = () => payloadOf((schema && initialValue(schema)) ?? parseExact("{}"));
  const [payload, setPayload] = useState(start);
  const [view, setView] = useState<PayloadView>("form");
  const [key, setKey] = useState(schemaKey);
  if (key !== schemaKey) {
    setKey(schemaKey);
    setPayload(start());
  }
  return { payload, setPayload, view: schema ? view : "json", setView } as const;
}
