import { useState } from "react";
import { useForm } from "react-hook-form";
import { CopyButton } from "@/components/copy-button";
import { ErrorNotice } from "@/components/error-state";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, FieldError } from "@/components/ui/field";
import { Checkbox, Input, NativeSelect } from "@/components/ui/input";
import { showFieldErrors } from "@/lib/form-errors";
import { type NewApiKey, useCreateApiKey } from "./queries";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

interface KeyFields {
  name: string;
  scopes: string[];
  queues: string;
  lifetime: string;
}

/** What a program is mostly given; the API knows more. */
const offeredScopes = [
  { scope: "jobs:read", label: "See jobs and their results" },
  { scope: "jobs:write", label: "Submit, retry and delete jobs" },
  { scope: "queues:read", label: "See queues and counts" },
  { scope: "queues:admin", label: "Create, pause and resume queues" },
  { scope: "schedules:read", label: "See schedules" },
  { scope: "schedules:write", label: "Create and delete schedules" },
  { scope: "system:read", label: "See workers and handlers" },
] as const;

const day = 24 * 60 * 60 * 1000;

function toRequest(form: KeyFields): NewApiKey {
  const queues = form.queues.split(/[\s,]+/).filter(Boolean);
  const lifetime = Number(form.lifetime);
  return {
    name: form.name,
    scopes: form.scopes,
    ...(queues.length > 0 ? { queues } : {}),
    ...(lifetime > 0 ? { expiresAt: Date.now() + lifetime * day } : {}),
  };
}

export function NewApiKeyDialog({ open, onOpenChange }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New API key"
      description="A program sends it as X-API-Key with each request."
      className="w-[32rem]"
    >
      <KeySteps onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function KeySteps({ onClose }: { onClose: () => void }) {
  const [key, setKey] = useState<string>();
  return key === undefined ? (
    <KeyForm onClose={onClose} onCreated={setKey} />
  ) : (
    <ShowKey apiKey={key} onClose={onClose} />
  );
}

function KeyForm({ onClose, onCreated }: { onClose: () => void; onCreated: (key: string) => void }) {
  const create = useCreateApiKey();
  const [refusal, setRefusal] = useState<unknown>();
  const { register, handleSubmit, formState, setError } = useForm<KeyFields>({
    defaultValues: { name: "", scopes: ["jobs:read", "jobs:write"], queues: "", lifetime: "90" },
  });
  const { errors } = formState;

  const submit = handleSubmit(async (form) => {
    setRefusal(undefined);
    try {
      onCreated((await create.mutateAsync(toRequest(form))).key);
    } catch (error) {
      const fields = { "body.name": "name", "body.scopes": "scopes", "body.queues": "queues" } as const;
      if (!showFieldErrors(error, fields, setError)) setRefusal(error);
    }
  });

  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={refusal} />
      <Field label="Name" description="Which program it is for." error={errors.name?.message}>
        {(control) => (
          <Input
            {...control}
            {...register("name", { required: "Give the key a name." })}
            autoComplete="off"
          />
        )}
      </Field>
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1.5 font-medium">Permissions</legend>
        {offeredScopes.map(({ scope, label }) => (
          <div key={scope} className="flex items-center gap-2.5">
            <Checkbox
              id={`scope-${scope}`}
              value={scope}
              {...register("scopes", {
                validate: (scopes) => scopes.length > 0 || "Choose at least one permission.",
              })}
            />
            <label htmlFor={`scope-${scope}`} className="grow">
              {label}
            </label>
            <code className="font-mono text-muted-foreground text-xs">{scope}</code>
          </div>
        ))}
        <FieldError message={errors.scopes?.message} />
      </fieldset>
      <Field
        label="Queues"
        description="Names, or patterns such as mail-*. Leave it empty for all queues."
        error={errors.queues?.message}
      >
        {(control) => <Input {...control} {...register("queues")} autoComplete="off" spellCheck={false} />}
      </Field>
      <Field label="Expires">
        {(control) => (
          <NativeSelect {...control} {...register("lifetime")}>
            <option value="30">in 30 days</option>
            <option value="90">in 90 days</option>
            <option value="365">in a year</option>
            <option value="0">never</option>
          </NativeSelect>
        )}
      </Field>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" pending={create.isPending}>
          Create key
        </Button>
      </div>
    </form>
  );
}

function ShowKey({ apiKey, onClose }: { apiKey: string; onClose: () => void }) {
  return (
    <div className="flex flex-col gap-4">
      <p>Copy the key now. It is not shown again.</p>
      <div className="flex items-center gap-2 rounded-md border bg-muted px-3 py-2">
        <code className="min-w-0 grow select-all break-all font-mono text-[0.8125rem]">{apiKey}</code>
        <CopyButton text={apiKey} label="Copy the key" />
      </div>
      <div className="flex justify-end">
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  );
}
