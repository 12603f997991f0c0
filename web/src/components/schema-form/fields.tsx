import { Plus, X } from "lucide-react";
import { useId } from "react";
import { Button } from "@/components/ui/button";
import { Field, FieldError } from "@/components/ui/field";
import { Checkbox, Input, NativeSelect, Textarea } from "@/components/ui/input";
import { cn } from "@/lib/cn";
import { type ExactJson, isObject, JsonToken, stringifyExact } from "@/lib/exact-json";
import {
  choiceIndex,
  type FieldErrors,
  fieldKey,
  initialValue,
  type Path,
  withItem,
  withMember,
} from "./model";
import type {
  ChoiceField,
  FieldSchema,
  GroupField,
  JsonField,
  ListField,
  NumberField,
  TextField,
} from "./schema";

interface FieldProps<S extends FieldSchema = FieldSchema> {
  schema: S;
  label: string;
  required: boolean;
  path: Path;
  value: ExactJson | undefined;
  errors: FieldErrors;
  onChange: (value: ExactJson | undefined) => void;
}

/** The members of an object, one below the other. */
export function GroupFields({
  schema,
  path,
  value,
  errors,
  onChange,
}: Omit<FieldProps<GroupField>, "label" | "required">) {
  const members = isObject(value) ? value : undefined;
  return schema.members.map((member) => (
    <SchemaField
      key={member.name}
      schema={member.schema}
      label={member.schema.title ?? member.name}
      required={member.required}
      path={[...path, member.name]}
      value={members?.[member.name]}
      errors={errors}
      onChange={(changed) => onChange(withMember(value, member.name, changed))}
    />
  ));
}

function SchemaField({ schema, ...props }: FieldProps) {
  switch (schema.kind) {
    case "text":
      return <TextControl schema={schema} {...props} />;
    case "number":
      return <NumberControl schema={schema} {...props} />;
    case "boolean":
      return <BooleanControl schema={schema} {...props} />;
    case "choice":
      return <ChoiceControl schema={schema} {...props} />;
    case "list":
      return <ListControl schema={schema} {...props} />;
    case "group":
      return <GroupControl schema={schema} {...props} />;
    case "json":
      return <JsonControl schema={schema} {...props} />;
  }
}

function frame({ schema, label, required, path, errors }: FieldProps) {
  return { label, required, description: schema.description, error: errors.get(fieldKey(path)) };
}

function TextControl(props: FieldProps<TextField>) {
  const { schema, value, onChange } = props;
  // A field left empty is left out; an empty text can be given as JSON.
  const change = (text: string) => onChange(text === "" ? undefined : text);
  const text = typeof value === "string" ? value : "";
  return (
    <Field {...frame(props)}>
      {(control) =>
        schema.input === "multiline" ? (
          <Textarea {...control} value={text} onChange={(event) => change(event.target.value)} />
        ) : (
          <Input
            {...control}
            type={schema.input}
            value={text}
            placeholder={schema.example}
            autoComplete="off"
            onChange={(event) => change(event.target.value)}
          />
        )
      }
    </Field>
  );
}

/** A number as text, so that no digit is lost and nothing typed is thrown away. */
function NumberControl(props: FieldProps<NumberField>) {
  const { schema, value, onChange } = props;
  return (
    <Field {...frame(props)}>
      {(control) => (
        <Input
          {...control}
          inputMode={schema.integer ? "numeric" : "decimal"}
          value={value instanceof JsonToken ? value.text : ""}
          autoComplete="off"
          className="max-w-56 tabular-nums"
          onChange={(event) => {
            const text = event.target.value.trim();
            onChange(text === "" ? undefined : new JsonToken(text));
          }}
        />
      )}
    </Field>
  );
}

function BooleanControl({ schema, label, path, value, errors, onChange }: FieldProps) {
  const id = useId();
  const error = errors.get(fieldKey(path));
  return (
    <div>
      <div className="flex gap-2.5">
        <Checkbox
          id={id}
          className="mt-0.5"
          checked={value === true}
          aria-describedby={schema.description ? `${id}-help` : undefined}
          onChange={(event) => onChange(event.target.checked)}
        />
        <div>
          <label htmlFor={id} className="font-medium">
            {label}
          </label>
          {schema.description && (
            <p id={`${id}-help`} className="text-[0.8125rem] text-muted-foreground">
              {schema.description}
            </p>
          )}
        </div>
      </div>
      <FieldError message={error} />
    </div>
  );
}

function ChoiceControl(props: FieldProps<ChoiceField>) {
  const { schema, required, value, onChange } = props;
  const index = choiceIndex(schema.options, value);
  return (
    <Field {...frame(props)}>
      {(control) => (
        <NativeSelect
          {...control}
          value={index}
          className="max-w-80"
          onChange={(event) => onChange(schema.options[Number(event.target.value)])}
        >
          {(!required || index < 0) && <option value={-1}>{required ? "Choose…" : "Not set"}</option>}
          {schema.options.map((option, place) => (
            <option key={stringifyExact(option)} value={place}>
              {typeof option === "string" ? option : stringifyExact(option)}
            </option>
          ))}
        </NativeSelect>
      )}
    </Field>
  );
}

const nested = "flex min-w-0 flex-col gap-4 rounded-md border border-dashed p-4";

function GroupControl({ schema, label, required, path, value, errors, onChange }: FieldProps<GroupField>) {
  const error = errors.get(fieldKey(path));
  if (!required && value === undefined) {
    // What is left out as a whole asks for none of its members.
    return (
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-md border border-dashed px-4 py-2">
        <div className="min-w-0">
          <p className="font-medium">{label}</p>
          {schema.description && (
            <p className="text-[0.8125rem] text-muted-foreground">{schema.description}</p>
          )}
          <FieldError message={error} />
        </div>
        <Button size="small" onClick={() => onChange(initialValue(schema) ?? {})}>
          <Plus aria-hidden="true" /> Add {label}
        </Button>
      </div>
    );
  }
  return (
    <fieldset className={cn(nested, "relative")}>
      <legend className="-ml-1 px-1 font-medium">{label}</legend>
      {!required && (
        <Button
          variant="ghost"
          size="icon"
          className="absolute -top-2 right-1 size-7"
          aria-label={`Remove ${label}`}
          title={`Remove ${label}`}
          onClick={() => onChange(undefined)}
        >
          <X aria-hidden="true" />
        </Button>
      )}
      {schema.description && <p className="text-[0.8125rem] text-muted-foreground">{schema.description}</p>}
      <GroupFields schema={schema} path={path} value={value} errors={errors} onChange={onChange} />
      <FieldError message={error} />
    </fieldset>
  );
}

function ListControl({ schema, label, required, path, value, errors, onChange }: FieldProps<ListField>) {
  const items = Array.isArray(value) ? value : [];
  const add = () => onChange([...items, initialValue(schema.item) ?? new JsonToken("")]);
  const remove = (index: number) => {
    const left = items.filter((_, place) => place !== index);
    onChange(left.length === 0 && !required ? undefined : left);
  };
  return (
    <fieldset className={nested}>
      <legend className="-ml-1 px-1 font-medium">{label}</legend>
      {schema.description && <p className="text-[0.8125rem] text-muted-foreground">{schema.description}</p>}
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an item has no name but its place
        <div key={index} className="flex items-start gap-2">
          <div className="min-w-0 grow">
            <SchemaField
              schema={schema.item}
              label={`${schema.item.title ?? label} ${index + 1}`}
              required
              path={[...path, String(index)]}
              value={item}
              errors={errors}
              onChange={(changed) => onChange(withItem(items, index, changed ?? new JsonToken("")))}
            />
          </div>
          <Button
            variant="ghost"
            size="icon"
            className="mt-6"
            aria-label={`Remove ${label} ${index + 1}`}
            onClick={() => remove(index)}
          >
            <X aria-hidden="true" />
          </Button>
        </div>
      ))}
      <FieldError message={errors.get(fieldKey(path))} />
      <Button size="small" className="self-start" onClick={add}>
        <Plus aria-hidden="true" /> Add item
      </Button>
    </fieldset>
  );
}

/** A part that has no shape a form could show. */
function JsonControl(props: FieldProps<JsonField>) {
  const { value, onChange } = props;
  return (
    <Field {...frame(props)}>
      {(control) => (
        <Textarea
          {...control}
          value={textOf(value)}
          placeholder="JSON"
          spellCheck={false}
          className="font-mono text-[0.8125rem]"
          onChange={(event) => {
            const text = event.target.value;
            onChange(text.trim() === "" ? undefined : new JsonToken(text));
          }}
        />
      )}
    </Field>
  );
}

function textOf(value: ExactJson | undefined): string {
  if (value === undefined) return "";
  return value instanceof JsonToken ? value.text : stringifyExact(value, 2);
}
