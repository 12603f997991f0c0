import type { FieldValues, Path, UseFormSetError } from "react-hook-form";
import { ApiError } from "@/api/error";

/**
 * Puts each refused part of a request at the field of the form that made it.
 * It returns true if every part has found a field, so nothing is left to say.
 */
export function showFieldErrors<T extends FieldValues>(
  error: unknown,
  fields: Readonly<Record<string, Path<T>>>,
  setError: UseFormSetError<T>,
): boolean {
  if (!(error instanceof ApiError) || error.fields.length === 0) return false;
  let all = true;
  for (const { location, message } of error.fields) {
    const field = fields[location];
    if (field) setError(field, { message }, { shouldFocus: true });
    else all = false;
  }
  return all;
}
