import { lazy, Suspense } from "react";
import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { GroupFields } from "./fields";
import type { FieldErrors } from "./model";
import { type Payload, type PayloadView, payloadFrom, payloadOf } from "./payload";
import type { GroupField } from "./schema";

const JsonEditor = lazy(() => import("./json-editor"));

interface PayloadEditorProps {
  schema: GroupField | undefined;
  payload: Payload;
  view: PayloadView;
  errors: FieldErrors;
  onChange: (payload: Payload) => void;
}

/** A job's data: as a form made from the handler's schema, or as JSON. Both edit the same text. */
export function PayloadEditor({ schema, payload, view, errors, onChange }: PayloadEditorProps) {
  const whole = errors.get("");
  return (
    <div className="flex flex-col gap-4">
      {view === "form" && schema ? (
        <FormView schema={schema} payload={payload} errors={errors} onChange={onChange} />
      ) : (
        <>
          <div
            className={cn(
              "overflow-hidden rounded-md border border-input focus-within:outline-2 focus-within:outline-ring",
              errors.size > 0 && "border-destructive",
            )}
          >
            <Suspense fallback={<Skeleton className="h-48" />}>
              <JsonEditor
                value={payload.text}
                label="Data as JSON"
                onChange={(text) => onChange(payloadFrom(text))}
              />
            </Suspense>
          </div>
          <ErrorList errors={errors} />
        </>
      )}
      {view === "form" && whole && (
        <p role="alert" className="text-destructive">
          {whole}
        </p>
      )}
    </div>
  );
}

function FormView({
  schema,
  payload,
  errors,
  onChange,
}: Omit<PayloadEditorProps, "view"> & { schema: GroupField }) {
  if (payload.value === undefined) {
    return (
      <p className="text-muted-foreground">
        The text is not JSON, so there is nothing to show in a form. Mend it in the JSON view first.
      </p>
    );
  }
  return (
    <GroupFields
      schema={schema}
      path={[]}
      value={payload.value}
      errors={errors}
      onChange={(value) => onChange(payloadOf(value ?? {}))}
    />
  );
}

/** In the JSON view no field stands beside its error, so each is named. */
function ErrorList({ errors }: { errors: FieldErrors }) {
  if (errors.size === 0) return null;
  return (
    <ul role="alert" className="flex flex-col gap-1 text-[0.8125rem] text-destructive">
      {[...errors].map(([field, message]) => (
        <li key={field}>
          {field && <code className="font-mono">{field}</code>} {message}
        </li>
      ))}
    </ul>
  );
}

/** Switches between the views of a payload. */
export function PayloadViewSwitch({
  view,
  onChange,
}: {
  view: PayloadView;
  onChange: (view: PayloadView) => void;
}) {
  return (
    <fieldset className="flex rounded-md bg-muted p-0.5">
      <legend className="sr-only">How to edit the data</legend>
      {(["form", "json"] as const).map((option) => (
        <label
          key={option}
          className="cursor-pointer rounded-sm px-2.5 py-0.5 text-[0.8125rem] text-muted-foreground has-checked:bg-card has-checked:font-medium has-checked:text-foreground has-checked:shadow-xs has-focus-visible:outline-2 has-focus-visible:outline-ring"
        >
          <input
            type="radio"
            name="payload-view"
            className="sr-only"
            checked={view === option}
            onChange={() => onChange(option)}
          />
          {option === "form" ? "Form" : "JSON"}
        </label>
      ))}
    </fieldset>
  );
}
