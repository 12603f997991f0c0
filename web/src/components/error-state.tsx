import { RotateCw, TriangleAlert } from "lucide-react";
import { ApiError, messageOf } from "@/api/error";
import { Button } from "./ui/button";

/** What is shown in place of something that could not be loaded. */
export function ErrorState({
  error,
  title = "This could not be loaded",
  onRetry,
}: {
  error: unknown;
  title?: string;
  onRetry?: () => void;
}) {
  return (
    <div role="alert" className="flex flex-col items-center gap-1 px-6 py-10 text-center">
      <TriangleAlert aria-hidden="true" className="mb-2 size-6 text-destructive" strokeWidth={1.5} />
      <p className="font-medium">{title}</p>
      <p className="max-w-prose break-words text-muted-foreground">{messageOf(error)}</p>
      <RequestId error={error} />
      {onRetry && (
        <Button className="mt-3" onClick={onRetry}>
          <RotateCw aria-hidden="true" /> Try again
        </Button>
      )}
    </div>
  );
}

/** A refusal above a form. */
export function ErrorNotice({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <div
      role="alert"
      className="rounded-md border border-destructive/40 bg-destructive/8 px-3 py-2 text-destructive"
    >
      <p className="break-words">{messageOf(error)}</p>
      <RequestId error={error} />
    </div>
  );
}

/** The id under which the server logged the request. */
function RequestId({ error }: { error: unknown }) {
  if (!(error instanceof ApiError) || !error.requestId) return null;
  return (
    <p className="mt-1 text-muted-foreground text-xs">
      Request <code className="select-all font-mono">{error.requestId}</code>
    </p>
  );
}
