import type { Job } from "@/api/types";
import { CopyButton } from "@/components/copy-button";
import { Card } from "@/components/ui/card";

/** Why the job failed: the latest reason, then the stack of each failed attempt, newest first. */
export function JobFailure({ job }: { job: Job }) {
  if (!job.failedReason && job.stacktrace.length === 0) return null;
  const attempts = job.stacktrace.map((text, index) => ({ number: index + 1, text })).reverse();
  return (
    <Card
      title={job.state === "failed" ? "Error" : "Latest error"}
      className="border-destructive/40"
      bodyClassName="p-0"
      actions={<CopyButton text={job.stacktrace.at(-1) ?? job.failedReason ?? ""} label="Copy the error" />}
    >
      {job.failedReason && (
        <p className="whitespace-pre-wrap break-words px-4 py-3 font-medium text-destructive">
          {job.failedReason}
        </p>
      )}
      {attempts.map(({ number, text }, index) => (
        <details key={number} open={index === 0} className="border-t">
          <summary className="px-4 py-2 text-muted-foreground hover:text-foreground">
            Stack trace of failed attempt {number}
          </summary>
          <StackTrace text={text} />
        </details>
      ))}
    </Card>
  );
}

/** A stack with the frames of libraries in the background. */
function StackTrace({ text }: { text: string }) {
  const lines = text.split("\n").map((line, number) => ({ line, number }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section aria-label="Stack" tabIndex={0} className="max-h-96 overflow-auto pb-3">
      <pre className="w-max min-w-full px-4 font-mono text-[0.8125rem] leading-5">
        {lines.map(({ line, number }) => (
          <span key={number} className={isLibraryFrame(line) ? "text-muted-foreground" : undefined}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
    </section>
  );
}

function isLibraryFrame(line: string): boolean {
  return /node_modules|node:internal|site-packages|\/go\/pkg\/mod\/|\/usr\/(?:local\/)?(?:lib|go)\//.test(
    line,
  );
}
