import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import type { ApiKey } from "@/api/types";
import { ConfirmButton } from "@/components/confirm-button";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { NewApiKeyDialog } from "./new-api-key-dialog";
import { apiKeysQuery, useRevokeApiKey } from "./queries";

export function ApiKeysPage() {
  const [creating, setCreating] = useState(false);
  const { data, error, refetch } = useQuery(apiKeysQuery);
  const newKey = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden="true" /> New API key
    </Button>
  );
  return (
    <Page
      title="API keys"
      description="How programs sign in. A key is shown once, when it is made."
      actions={newKey}
    >
      <NewApiKeyDialog open={creating} onOpenChange={setCreating} />
      <Card bodyClassName="p-0">
        {!data &&
          (error ? (
            <ErrorState error={error} onRetry={() => void refetch()} />
          ) : (
            <SkeletonRows label="Loading API keys" />
          ))}
        {data?.items.length === 0 && (
          <EmptyState icon={KeyRound} title="No API keys yet">
            Make one for each program that submits jobs or reads results, with only the permissions it needs.
          </EmptyState>
        )}
        {data && data.items.length > 0 && <KeyTable items={data.items} />}
      </Card>
    </Page>
  );
}

function KeyTable({ items }: { items: readonly ApiKey[] }) {
  return (
    <Table aria-label="API keys">
      <thead>
        <tr>
          <TableHead>Key</TableHead>
          <TableHead className="max-md:hidden">Permissions</TableHead>
          <TableHead className="max-sm:hidden">Last used</TableHead>
          <TableHead className="max-sm:hidden">Expires</TableHead>
          <TableHead className="w-0">
            <span className="sr-only">Actions</span>
          </TableHead>
        </tr>
      </thead>
      <tbody>
        {items.map((key) => (
          <KeyRow key={key.id} apiKey={key} />
        ))}
      </tbody>
    </Table>
  );
}

function KeyRow({ apiKey }: { apiKey: ApiKey }) {
  const revoke = useRevokeApiKey();
  const revokeNow = async () => {
    await revoke.mutateAsync(apiKey.id);
    toast.success(`Revoked ${apiKey.name}.`);
  };
  return (
    <TableRow>
      <TableCell className="py-2">
        <p className="font-medium">{apiKey.name}</p>
        <p className="font-mono text-muted-foreground text-xs">jr_{apiKey.prefix}_…</p>
      </TableCell>
      <TableCell className="py-2 max-md:hidden">
        <span className="flex flex-wrap gap-1">
          {apiKey.scopes.map((scope) => (
            <Badge key={scope}>{scope}</Badge>
          ))}
        </span>
        {apiKey.queues.length > 0 && (
          <p className="mt-1 text-muted-foreground text-xs">only {apiKey.queues.join(", ")}</p>
        )}
      </TableCell>
      <TableCell className="whitespace-nowrap max-sm:hidden">
        {apiKey.lastUsedAt ? (
          <RelativeTime time={apiKey.lastUsedAt} />
        ) : (
          <span className="text-muted-foreground">never</span>
        )}
      </TableCell>
      <TableCell className="whitespace-nowrap max-sm:hidden">
        {apiKey.expiresAt ? (
          <RelativeTime time={apiKey.expiresAt} />
        ) : (
          <span className="text-muted-foreground">never</span>
        )}
      </TableCell>
      <TableCell className="text-right">
        {apiKey.revokedAt ? (
          <Badge>revoked</Badge>
        ) : (
          <ConfirmButton
            size="small"
            title={`Revoke ${apiKey.name}?`}
            consequence="Programs that use this key are refused from now on. This can't be undone."
            confirmLabel="Revoke key"
            onConfirm={revokeNow}
          >
            Revoke
          </ConfirmButton>
        )}
      </TableCell>
    </TableRow>
  );
}
