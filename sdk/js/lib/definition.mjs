// Checks what an author declares, so that a mistake shows when the file is saved
// and not when the first job runs.

const texts = ["name", "version", "description", "author"];
const fields = [...texts, "schema", "resultSchema", "defaults", "keepAlive", "run"];
const defaultFields = ["attempts", "backoff", "timeout", "concurrency"];
const backoffFields = ["type", "delay", "jitter"];

/** Declares a handler; see index.d.ts. */
export function defineHandler(definition) {
  try {
    checkDefinition(definition, "defineHandler");
  } catch (error) {
    Error.captureStackTrace(error, defineHandler); // the mistake is the caller's
    throw error;
  }
  return definition;
}

/** Throws a TypeError that names the field that is wrong. */
export function checkDefinition(definition, where) {
  const fail = (text) => {
    throw new TypeError(`${where}: ${text}`);
  };
  if (!isObject(definition)) fail(`takes an object { name, run(job) }, not ${describe(definition)}`);
  for (const key of texts) {
    const value = definition[key];
    if (value !== undefined && typeof value !== "string") fail(`${key} must be text, not ${describe(value)}`);
  }
  if (definition.name === "") fail("name must not be empty");
  checkSpelling(definition, "", fields, fail);
  if (typeof definition.run !== "function") {
    fail(`run must be a function run(job), not ${describe(definition.run)}`);
  }
  for (const key of ["schema", "resultSchema"]) checkSchema(key, definition[key], fail);
  if (definition.keepAlive !== undefined && typeof definition.keepAlive !== "boolean") {
    fail(`keepAlive must be true or false, not ${describe(definition.keepAlive)}`);
  }
  if (definition.defaults !== undefined) checkDefaults(definition.defaults, fail);
}

function checkSchema(key, value, fail) {
  if (value !== undefined && typeof value !== "boolean" && !isObject(value)) {
    fail(`${key} must be a JSON Schema, which is an object, not ${describe(value)}`);
  }
}

function checkDefaults(defaults, fail) {
  if (!isObject(defaults)) fail(`defaults must be an object, not ${describe(defaults)}`);
  checkKnown(defaults, "defaults.", defaultFields, fail);
  checkCount("defaults.attempts", defaults.attempts, 1, fail);
  checkCount("defaults.concurrency", defaults.concurrency, 0, fail);
  checkCount("defaults.timeout", defaults.timeout, 0, fail, "milliseconds");
  if (defaults.backoff !== undefined) checkBackoff(defaults.backoff, fail);
}

function checkBackoff(backoff, fail) {
  if (!isObject(backoff)) fail(`defaults.backoff must be { type, delay }, not ${describe(backoff)}`);
  checkKnown(backoff, "defaults.backoff.", backoffFields, fail);
  if (backoff.type !== "fixed" && backoff.type !== "exponential") {
    fail(`defaults.backoff.type must be "fixed" or "exponential", not ${describe(backoff.type)}`);
  }
  checkCount("defaults.backoff.delay", backoff.delay ?? 0, 0, fail, "milliseconds");
  const { jitter = 0 } = backoff;
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    fail(`defaults.backoff.jitter must be a number from 0 to 1, not ${describe(jitter)}`);
  }
}

function checkCount(key, value, least, fail, unit) {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  const of = unit ? ` of ${unit}` : "";
  fail(`${key} must be a whole number${of}, at least ${least}, not ${describe(value)}`);
}

function checkKnown(value, path, known, fail) {
  checkSpelling(value, path, known, fail);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) fail(`${path}${unknown} is not known; there are ${known.join(", ")}`);
}

/** A handler may have members of its own, but not one that looks like a slip of the pen. */
function checkSpelling(value, path, known, fail) {
  for (const key of Object.keys(value)) {
    if (known.includes(key) || typeof value[key] === "function") continue;
    const meant = known.find((name) => key.length > 3 && !(name in value) && isSlip(key, name));
    if (meant) fail(`${path}${key} is not known; did you mean ${path}${meant}?`);
  }
}

/** Whether the two differ in one letter that was changed, left out, added or swapped with the next. */
function isSlip(a, b) {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end))
    end += 1;
  const left = one.slice(start, one.length - end);
  const right = other.slice(start, other.length - end);
  const swapped = left.length === 2 && left[0] === right[1] && left[1] === right[0];
  return swapped || (left.length <= 1 && right.length <= 1);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value) {
  if (value === undefined) return "undefined";
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return String(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return JSON.stringify(value).slice(0, 100);
}
