const maxLineLength = 64 * 1024;
/** The worker keeps 10,000 lines of an attempt, and with one more it says so in the log. */
const maxLines = 10_001;

/** Makes lines of what a handler writes, within limits. */
export class Output {
  #emit;
  #partial = "";
  #lines = 0;

  constructor(emit) {
    this.#emit = emit;
  }

  /** Takes text that may hold any part of any number of lines. */
  write(text) {
    if (this.#lines >= maxLines) return;
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop().slice(0, maxLineLength);
    for (const line of lines) this.line(line);
  }

  /** Takes one entry, which may have line breaks in it. */
  line(text) {
    if (this.#lines >= maxLines) return;
    this.#lines += 1;
    this.#emit(text.slice(0, maxLineLength));
  }

  /** Lets go of a line that was not ended. */
  end() {
    if (this.#partial !== "") this.line(this.#partial);
    this.#partial = "";
  }
}
