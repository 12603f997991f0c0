import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Boxes, Plus } from "lucide-react";
import { isNotFound } from "@/api/error";
import type { Handler } from "@/api/types";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { JsonView } from "@/components/json-view";
import { Page } from "@/components/page";
import { Badge } from "@/components/ui/badge";
import { buttonVariants } from "@/components/ui/button";
import { Card, Fact, Facts } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useCan } from "@/features/auth/queries";
import { HandlerWorkers } from "./handler-workers";
import { LoadError } from "./load-error";
import { handlerQuery } from "./queries";

export function HandlerPage() {
  const { name } = useParams({ from: "/app/handlers/$name" });
  const { data: handler, error, refetch } = useQuery({ ...handlerQuery(name), refetchInterval: 5_000 });

  if (handler) return <HandlerView handler={handler} />;
  if (isNotFound(error)) {
    return (
      <EmptyState
        page
        icon={Boxes}
        title={`No running worker has a handler called ${name}`}
        action={
          <Link to="/handlers" className={buttonVariants()}>
            See all handlers
          </Link>
        }
      />
    );
  }
  return error ? (
    <ErrorState error={error} onRetry={() => void refetch()} />
  ) : (
    <SkeletonRows label="Loading the handler" />
  );
}

function HandlerView({ handler }: { handler: Handler }) {
  return (
    <Page title={handler.name} description={handler.description} actions={<SubmitLink handler={handler} />}>
      {handler.error && <LoadError error={handler.error} inService={handler.version !== undefined} />}
      <div className="grid items-start gap-5 lg:grid-cols-[20rem_minmax(0,1fr)]">
        <Card title="Details">
          <HandlerFacts handler={handler} />
        </Card>
        <div className="flex min-w-0 flex-col gap-5">
          <HandlerWorkers handler={handler} />
          <SchemaCard title="Data schema" schema={handler.dataSchema} missing="The handler takes any JSON." />
          <SchemaCard
            title="Result schema"
            schema={handler.resultSchema}
            missing="The handler promises no shape."
          />
          {handler.defaults !== undefined && (
            <Card title="Default options" bodyClassName="p-0">
              <JsonView text={JSON.stringify(handler.defaults)} label="default options" />
            </Card>
          )}
        </div>
      </div>
    </Page>
  );
}

function HandlerFacts({ handler }: { handler: Handler }) {
  return (
    <Facts>
      <Fact name="Kind">
        <Badge>{handler.kind}</Badge>
      </Fact>
      {handler.version && <Fact name="Version">{handler.version}</Fact>}
      {handler.author && <Fact name="Author">{handler.author}</Fact>}
      {handler.language && <Fact name="Language">{handler.language}</Fact>}
      {handler.source && (
        <Fact name="Source">
          <span className="break-all font-mono text-[0.8125rem]">{handler.source}</span>
        </Fact>
      )}
      <Fact name="Workers">{handler.workers}</Fact>
      <Fact name="Running">
        {handler.running}
        {handler.held > 0 && `, ${handler.held} held back`}
      </Fact>
      <Fact name="Queues">
        <span className="flex flex-wrap gap-x-2 gap-y-1">
          {handler.queues.map((queue) => (
            <Link key={queue} to="/queues/$queue" params={{ queue }} className="text-primary hover:underline">
              {queue}
            </Link>
          ))}
        </span>
      </Fact>
    </Facts>
  );
}

function SchemaCard({ title, schema, missing }: { title: string; schema: unknown; missing: string }) {
  if (schema === undefined || schema === null) {
    return (
      <Card title={title}>
        <p className="text-muted-foreground">{missing}</p>
      </Card>
    );
  }
  return (
    <Card title={title} bodyClassName="p-0">
      <JsonView text={JSON.stringify(schema)} label={title.toLowerCase()} />
    </Card>
  );
}

function SubmitLink({ handler }: { handler: Handler }) {
  const allowed = useCan("jobs:write");
  if (!allowed) return null;
  return (
    <Link
      to="/jobs/new"
      search={{ handler: handler.name, queue: handler.queues[0] }}
      className={buttonVariants({ variant: "primary" })}
    >
      <Plus aria-hidden="true" /> New job
    </Link>
  );
}
