import { useMemo, useState } from "react";
import { parseExact, stringifyExact } from "@/lib/exact-json";
import { formatBytes } from "@/lib/format";
import { CopyButton } from "./copy-button";
import { Button } from "./ui/button";

/** More than this is shown only when asked for: a page with megabytes of text stands still. */
const shownCharacters = 20_000;

function layOut(text: string): string {
  try {
    return stringifyExact(parseExact(text), 2);
  } catch {
    return text;
  }
}

/** JSON laid out for reading, numbers as they came. */
export function JsonView({ text, label }: { text: string; label: string }) {
  const [whole, setWhole] = useState(false);
  const laidOut = useMemo(() => layOut(text), [text]);
  const cut = !whole && laidOut.length > shownCharacters;

  return (
    <div className="relative">
      <div className="absolute top-1.5 right-1.5">
        <CopyButton text={laidOut} label={`Copy ${label}`} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section aria-label={label} tabIndex={0} className="max-h-[32rem] overflow-auto rounded-b-lg">
        <pre className="w-max min-w-full p-4 pr-12 font-mono text-[0.8125rem] leading-5">
          <HighlightedJson text={cut ? laidOut.slice(0, shownCharacters) : laidOut} />
        </pre>
      </section>
      {cut && (
        <div className="flex items-center justify-between gap-3 border-t px-4 py-2 text-muted-foreground">
          <span>
            The first {formatBytes(shownCharacters)} of {formatBytes(laidOut.length)}.
          </span>
          <Button size="small" onClick={() => setWhole(true)}>
            Show all
          </Button>
        </div>
      )}
    </div>
  );
}

const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;

/** Colors are worth their nodes only up to a size. */
const coloredCharacters = 60_000;

function HighlightedJson({ text }: { text: string }) {
  if (text.length > coloredCharacters) return text;
  const parts: React.ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(token)) {
    parts.push(text.slice(end, match.index));
    const [found, string, colon] = match;
    const color = colon ? "text-foreground" : string ? "text-state-completed" : "text-state-active";
    parts.push(
      <span key={match.index} className={color}>
        {found}
      </span>,
    );
    end = match.index + found.length;
  }
  parts.push(text.slice(end));
  return <span className="text-muted-foreground">{parts}</span>;
}
