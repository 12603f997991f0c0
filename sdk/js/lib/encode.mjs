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
    const reason =
      error instanceof RangeError ? "it is too large or too deep" : String(error?.message ?? error);
    throw new TypeError(`the ${what} is not JSON: ${reason.replace(/\s*\n\s*/g, " ")}`);
  }
  if (text === undefined) throw new TypeError(`the ${what} is not JSON: it is a ${typeof value}`);
  return text;
}
