import { ChevronLeft, ChevronRight } from "lucide-react";
import { Button } from "./ui/button";

/** The way through a list that is read part by part. Cursors only lead on; going back is to the start. */
export function Pager({
  summary,
  atStart,
  hasMore,
  onFirst,
  onNext,
}: {
  summary: string;
  atStart: boolean;
  hasMore: boolean;
  onFirst: () => void;
  onNext: () => void;
}) {
  return (
    <nav
      aria-label="Pages"
      className="flex flex-wrap items-center justify-between gap-3 border-t px-4 py-2 text-muted-foreground"
    >
      <span className="tabular-nums">{summary}</span>
      {(!atStart || hasMore) && (
        <span className="flex gap-2">
          <Button size="small" disabled={atStart} onClick={onFirst}>
            <ChevronLeft aria-hidden="true" /> First page
          </Button>
          <Button size="small" disabled={!hasMore} onClick={onNext}>
            Next page <ChevronRight aria-hidden="true" />
          </Button>
        </span>
      )}
    </nav>
  );
}
