/**
 * JSON that keeps numbers as they are written. `JSON.parse` turns
 * 9007199254740993 into 9007199254740992; job data must survive being shown,
 * edited and sent back.
 */

/**
 * A scalar as its source text. In a parsed document these are the numbers; a
 * form also keeps what is being typed this way, which may not be JSON yet.
 */
export class JsonToken {
  constructor(readonly text: string) {}
}

export type ExactJson = null | boolean | string | JsonToken | ExactJson[] | ExactObject;
export type ExactObject = { [name: string]: ExactJson };

export class JsonSyntaxError extends Error {
  constructor(
    message: string,
    /** Offset of the offending character. */
    readonly position: number,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${message} at line ${line}, column ${column}`);
    this.name = "JsonSyntaxError";
  }
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings may not hold them
const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const spacePattern = /[ \t\n\r]*/y;

/** Deep enough for any sane payload, shallow enough not to exhaust the stack. */
const maximumDepth = 500;

class Parser {
  private position = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  document(): ExactJson {
    const value = this.value();
    this.space();
    if (this.position < this.text.length) this.fail("Unexpected text after the value");
    return value;
  }

  private value(): ExactJson {
    this.space();
    switch (this.text[this.position]) {
      case "{":
        return this.nested(() => this.object());
      case "[":
        return this.nested(() => this.array());
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      case undefined:
        return this.fail("Unexpected end");
      default:
        return this.number();
    }
  }

  private nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > maximumDepth) this.fail(`Nested deeper than ${maximumDepth} levels`);
    this.position += 1;
    const value = read();
    this.depth -= 1;
    return value;
  }

  private object(): ExactObject {
    const members = Object.create(null) as ExactObject;
    if (this.closes("}")) return members;
    do {
      this.space();
      if (this.text[this.position] !== '"') this.fail("Expected a member name in double quotes");
      const name = this.string();
      this.expect(":", "Expected ':' after the member name");
      members[name] = this.value();
    } while (this.continues("}"));
    return members;
  }

  private array(): ExactJson[] {
    const items: ExactJson[] = [];
    if (this.closes("]")) return items;
    do {
      items.push(this.value());
    } while (this.continues("]"));
    return items;
  }

  private string(): string {
    const raw = this.match(stringPattern) ?? this.fail("Unterminated or invalid string");
    return JSON.parse(raw) as string;
  }

  private number(): JsonToken {
    return new JsonToken(this.match(numberPattern) ?? this.fail("Unexpected character"));
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.position)) this.fail("Unexpected word");
    this.position += word.length;
    return value;
  }

  private closes(end: string): boolean {
    this.space();
    if (this.text[this.position] !== end) return false;
    this.position += 1;
    return true;
  }

  private continues(end: string): boolean {
    if (this.closes(end)) return false;
    this.expect(",", `Expected ',' or '${end}'`);
    return true;
  }

  private expect(character: string, message: string): void {
    this.space();
    if (this.text[this.position] !== character) this.fail(message);
    this.position += 1;
  }

  private space(): void {
    this.match(spacePattern);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.position += found.length;
    return found;
  }

  private fail(message: string): never {
    const before = this.text.slice(0, this.position).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new JsonSyntaxError(message, this.position, before.length, column);
  }
}

/** Parses one JSON value. It throws a {@link JsonSyntaxError} that says where. */
export function parseExact(text: string): ExactJson {
  return new Parser(text).document();
}

/** Writes a value back, numbers untouched. With an indent it is laid out over lines. */
export function stringifyExact(value: ExactJson, indent = 0): string {
  return write(value, indent, "");
}

function write(value: ExactJson, indent: number, margin: string): string {
  if (value instanceof JsonToken) return value.text;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = margin + " ".repeat(indent);
  if (Array.isArray(value)) {
    return wrap(
      "[]",
      value.map((item) => write(item, indent, inner)),
      indent,
      margin,
    );
  }
  const colon = indent > 0 ? ": " : ":";
  const members = Object.entries(value).map(
    ([name, member]) => JSON.stringify(name) + colon + write(member, indent, inner),
  );
  return wrap("{}", members, indent, margin);
}

function wrap(brackets: "[]" | "{}", parts: string[], indent: number, margin: string): string {
  const [open, close] = brackets;
  if (parts.length === 0) return brackets;
  if (indent === 0) return `${open}${parts.join(",")}${close}`;
  const inner = `\n${margin}${" ".repeat(indent)}`;
  return `${open}${inner}${parts.join(`,${inner}`)}\n${margin}${close}`;
}

/** Whether the text is a number as JSON writes it. */
export function isNumberText(text: string): boolean {
  numberPattern.lastIndex = 0;
  return numberPattern.exec(text)?.[0] === text;
}

export function isObject(value: ExactJson | undefined): value is ExactObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonToken)
  );
}

/** Converts plain data, such as a default out of a JSON Schema, into exact form. */
export function toExact(value: unknown): ExactJson {
  return parseExact(JSON.stringify(value) ?? "null");
}
