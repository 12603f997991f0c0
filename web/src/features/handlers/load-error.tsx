import type { HandlerError } from "@/api/types";
import { CodeFrame } from "@/components/code-frame";
import { CopyButton } from "@/components/copy-button";
import { RelativeTime } from "@/components/relative-time";
import { Card } from "@/components/ui/card";

/** Why the newest version is not in service, and where to look. */
export function LoadError({ error, inService }: { error: HandlerError; inService: boolean }) {
  const place = [error.file, error.line, error.column].filter((part) => part !== undefined).join(":");
  return (
    <Card
      title={inService ? "A newer version could not be loaded" : "It could not be loaded"}
      className="border-destructive/40"
      actions={place && <CopyButton text={place} label="Copy the place" />}
    >
      <p className="whitespace-pre-wrap break-words font-medium text-destructive">{error.message}</p>
      <p className="mt-1 text-muted-foreground">
        {place && <code className="break-all font-mono text-[0.8125rem]">{place}</code>}{" "}
        <RelativeTime time={error.at} />
        {inService && ". The version before it stays in service."}
      </p>
      {error.frame && (
        <div className="mt-3">
          <CodeFrame text={error.frame} label="The place in the source" />
        </div>
      )}
    </Card>
  );
}
