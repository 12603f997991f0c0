/** Writes a value as JSON of at most maxBytes; undefined becomes null. What names it in errors. */
export function encode(what, value, maxBytes) {
  const text = stringify(what, value);
  // A UTF-16 unit takes three bytes at most.
  const bytes = text.length * 3 > maxBytes ? Buffer.byteLength(text) : text.length;
  if (bytes > maxBytes) {
    throw new RangeError(
      `the ${what} has ${bytes} bytes as JSON, more than the ${maxBytes} allowed; store it elsewhere and pass on where`,
    );
  }
  return text;
}

function stringify(what, value) {
  if (value === undefined) return "null";
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`the ${what} is not JSON: ${reasonOf(error, what, value)}`);
  }
  if (text === undefined) throw new TypeError(`the ${what} is not JSON: it is a ${typeof value}`);
  return text;
}

function reasonOf(error, what, value) {
  if (error instanceof RangeError) return "it is too large or too deep";
  const reason = String(error?.message ?? error).replace(/\s*\n\s*/g, " ");
  const place = placeOfBigInt(what, value, new Set());
  return place ? `${reason}, at ${place}; use String() or Number()` : reason;
}

/** Where the first BigInt is, as one would write it; undefined if there is none. */
function placeOfBigInt(path, value, seen) {
  if (typeof value === "bigint") return path;
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  seen.add(value);
  for (const [key, member] of Object.entries(value)) {
    const place = placeOfBigInt(path + step(value, key), member, seen);
    if (place) return place;
  }
  return undefined;
}

function step(value, key) {
  if (Array.isArray(value)) return `[${key}]`;
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
