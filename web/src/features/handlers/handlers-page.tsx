import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes, TriangleAlert } from "lucide-react";
import type { Handler } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { Badge } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { handlersQuery } from "./queries";

export function HandlersPage() {
  const { data, error, refetch } = useQuery({ ...handlersQuery, refetchInterval: 5_000 });
  return (
    <Page title="Handlers" description="The code that runs jobs, as the workers that have it tell.">
      <Card bodyClassName="p-0">
        {!data &&
          (error ? (
            <ErrorState error={error} onRetry={() => void refetch()} />
          ) : (
            <SkeletonRows label="Loading handlers" />
          ))}
        {data?.items.length === 0 && (
          <EmptyState icon={Boxes} title="No handlers yet">
            They appear when a JobRunner worker starts. Put a handler file into its handlers folder, and it
            loads by itself.
          </EmptyState>
        )}
        {data && data.items.length > 0 && <HandlerTable handlers={data.items} />}
      </Card>
    </Page>
  );
}

function HandlerTable({ handlers }: { handlers: readonly Handler[] }) {
  return (
    <Table aria-label="Handlers">
      <thead>
        <tr>
          <TableHead>Handler</TableHead>
          <TableHead>Kind</TableHead>
          <TableHead className="max-sm:hidden">Version</TableHead>
          <TableHead className="max-md:hidden">Queues</TableHead>
          <TableHead className="text-right">Workers</TableHead>
        </tr>
      </thead>
      <tbody>
        {handlers.map((handler) => (
          <TableRow key={handler.name}>
            <TableCell className="w-full max-w-0 py-2 sm:w-2/5">
              <span className="flex min-w-0 flex-wrap items-center gap-x-2">
                <Link
                  to="/handlers/$name"
                  params={{ name: handler.name }}
                  className="min-w-0 truncate font-medium after:absolute after:inset-0 hover:underline"
                >
                  {handler.name}
                </Link>
                {handler.error && (
                  <span className="flex shrink-0 items-center gap-1 text-destructive text-xs">
                    <TriangleAlert aria-hidden="true" className="size-3.5" />{" "}
                    {handler.version ? "Newer version failed to load" : "Failed to load"}
                  </span>
                )}
              </span>
              {handler.description && (
                <p className="truncate text-[0.8125rem] text-muted-foreground">{handler.description}</p>
              )}
            </TableCell>
            <TableCell>
              <Badge>{handler.kind}</Badge>
            </TableCell>
            <TableCell className="max-sm:hidden">{handler.version}</TableCell>
            <TableCell className="w-1/4 max-w-0 truncate max-md:hidden">
              {handler.queues.join(", ")}
            </TableCell>
            <TableCell className="text-right">{handler.workers}</TableCell>
          </TableRow>
        ))}
      </tbody>
    </Table>
  );
}
