import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { buttonVariants } from "@/components/ui/button";

/** A page that failed, with a way to try it again. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return <ErrorState title="This page failed" error={error} onRetry={retry} />;
}

export function NotFoundPage() {
  return (
    <EmptyState
      page
      icon={Compass}
      title="There is no such page"
      action={
        <Link to="/" className={buttonVariants()}>
          Go to the dashboard
        </Link>
      }
    >
      The address may be mistyped, or from another version of JobRunner.
    </EmptyState>
  );
}
