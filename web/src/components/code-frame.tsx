import { cn } from "@/lib/cn";

/**
 * Lines of a source file as the server draws them: numbered, the place in
 * question behind a ">", and below it a line with a mark under the column.
 */
export function CodeFrame({ text, label }: { text: string; label: string }) {
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, index) => ({
      index,
      marked: line.startsWith(">"),
      pointer: /^\s*\|\s*\^\s*$/.test(line),
      line,
    }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className="overflow-x-auto rounded-md border bg-muted">
      <pre className="w-max min-w-full py-2 font-mono text-[0.8125rem] leading-5">
        {lines.map(({ index, line, marked, pointer }) => (
          <span
            key={index}
            className={cn(
              "block border-transparent border-l-2 px-3 text-muted-foreground",
              marked && "border-destructive bg-destructive/10 text-foreground",
              pointer && "text-destructive",
            )}
          >
            {line || " "}
          </span>
        ))}
      </pre>
    </section>
  );
}
