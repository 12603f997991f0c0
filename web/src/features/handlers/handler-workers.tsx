import type { Handler, HandlerWorker } from "@/api/types";
import { Badge } from "@/components/ui/badge";
import { Card } from "@/components/ui/card";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";

/** Which version runs on which worker, and how busy it is there. */
export function HandlerWorkers({ handler }: { handler: Handler }) {
  return (
    <Card title="Where it runs" bodyClassName="p-0">
      <Table aria-label="Workers that have the handler">
        <thead>
          <tr>
            <TableHead>Worker</TableHead>
            <TableHead>Version</TableHead>
            <TableHead className="text-right">Running</TableHead>
          </tr>
        </thead>
        <tbody>
          {handler.on.map((on) => (
            <TableRow key={on.workerId}>
              <TableCell className="w-1/2 max-w-0 truncate">{on.worker}</TableCell>
              <TableCell>
                <Versions on={on} />
              </TableCell>
              <TableCell className="whitespace-nowrap text-right tabular-nums">
                {on.running}
                {on.concurrency > 0 && ` of ${on.concurrency}`}
                {on.held > 0 && <span className="text-muted-foreground"> (+{on.held} held)</span>}
              </TableCell>
            </TableRow>
          ))}
        </tbody>
      </Table>
    </Card>
  );
}

function Versions({ on }: { on: HandlerWorker }) {
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      {on.version ?? <span className="text-muted-foreground">none</span>}
      {on.disabled && <Badge>disabled</Badge>}
      {on.error && <Badge className="border-destructive/40 text-destructive">failed to load</Badge>}
      {on.draining.map((old) => (
        <Badge key={old.version}>
          {old.version} ends {old.running} {old.running === 1 ? "job" : "jobs"}
        </Badge>
      ))}
    </span>
  );
}
