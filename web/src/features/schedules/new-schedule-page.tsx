import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useForm } from "react-hook-form";
import { toast } from "sonner";
import { ApiError } from "@/api/error";
import { ErrorNotice } from "@/components/error-state";
import { Page } from "@/components/page";
import { checkPayload, payloadErrors, usePayload } from "@/components/schema-form/payload";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { DataCard } from "@/features/new-job/data-card";
import { OptionFields } from "@/features/new-job/option-fields";
import { emptyOptions, type OptionsForm, toJobOptions } from "@/features/new-job/options";
import { type Target, targetProblem, useTargetChoices } from "@/features/new-job/target";
import { TargetFields } from "@/features/new-job/target-fields";
import { useFocusInvalid } from "@/lib/use-focus-invalid";
import { NextRuns } from "./next-runs";
import { useCreateSchedule } from "./queries";
import { initialTiming, type Timing, toRequest } from "./timing";
import { TimingFields } from "./timing-fields";

type Errors = Partial<Record<"id" | "queue" | "name" | "cron" | "tz" | "every", string>>;

/** Where the server's refusals are shown. */
const fieldOf: Record<string, keyof Errors> = {
  "path.queue": "queue",
  "body.id": "id",
  "body.cron": "cron",
  "body.tz": "tz",
  "body.every": "every",
  "body.template.name": "name",
};

export function NewSchedulePage() {
  const search = useSearch({ from: "/app/schedules/new" });
  const navigate = useNavigate();
  const create = useCreateSchedule();
  const [id, setId] = useState("");
  const [target, setTarget] = useState<Target>({
    queue: search.queue ?? "",
    name: search.handler ?? "",
    typed: false,
  });
  const [timing, setTiming] = useState<Timing>(initialTiming);
  const [errors, setErrors] = useState<Errors>({});
  const [dataErrors, setDataErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const [refusal, setRefusal] = useState<unknown>();
  const [formRef, focusInvalid] = useFocusInvalid();
  const choices = useTargetChoices(target);
  const { schema } = choices;
  const { payload, setPayload, view, setView } = usePayload(schema, schema ? target.name : "");
  const options = useForm<OptionsForm>({ defaultValues: emptyOptions });

  const refuse = (error: unknown) => {
    if (!(error instanceof ApiError)) return setRefusal(error);
    const { own } = payloadErrors(error.fields, "body.template.data");
    const placed: Errors = {};
    for (const { location, message } of error.fields) {
      const field = fieldOf[location];
      if (field) placed[field] = message;
    }
    if (error.code === "schedule_exists") placed.id = "The queue has a schedule of this id already.";
    setDataErrors(own);
    setErrors(placed);
    if (own.size + Object.keys(placed).length < Math.max(1, error.fields.length)) setRefusal(error);
  };

  const send = options.handleSubmit(async (form) => {
    const request = toRequest(timing);
    const found = problemsOf(id, target, timing);
    const inData = checkPayload(payload, schema);
    setErrors(found);
    setDataErrors(inData);
    setRefusal(undefined);
    if (!request || Object.keys(found).length > 0 || inData.size > 0) {
      focusInvalid();
      return;
    }
    try {
      const template = { name: target.name.trim(), opts: toJobOptions(form) };
      await create.mutateAsync({
        queue: target.queue,
        schedule: { id: id.trim(), ...request, template },
        data: payload.text,
      });
      toast.success(`Created the schedule ${id.trim()}.`);
      await navigate({ to: "/schedules" });
    } catch (error) {
      refuse(error);
      focusInvalid();
    }
  });
  const submit = (event: FormEvent<HTMLFormElement>) => void send(event);

  return (
    <Page title="New schedule">
      <form
        ref={formRef}
        noValidate
        onSubmit={submit}
        className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_22rem]"
      >
        <div className="flex min-w-0 flex-col gap-5">
          <ErrorNotice error={refusal} />
          <Card title="What to run" bodyClassName="flex flex-col gap-4 p-4">
            <Field label="Id" required description="Names the schedule within its queue." error={errors.id}>
              {(control) => (
                <Input
                  {...control}
                  value={id}
                  placeholder="nightly-report"
                  autoComplete="off"
                  spellCheck={false}
                  onChange={(event) => setId(event.target.value)}
                />
              )}
            </Field>
            <TargetFields target={target} choices={choices} errors={errors} onChange={setTarget} />
          </Card>
          <Card title="When">
            <TimingFields timing={timing} errors={errors} onChange={setTiming} />
          </Card>
          <DataCard
            title="Data of each job"
            handler={target.name}
            schema={schema}
            payload={payload}
            view={view}
            errors={dataErrors}
            onChange={setPayload}
            onViewChange={setView}
          />
          <Card title="Options of each job">
            <OptionFields form={options} scheduled />
          </Card>
        </div>
        <div className="flex flex-col gap-5 lg:sticky lg:top-18">
          <Card title="Next runs">
            <NextRuns timing={timing} />
          </Card>
          <Button type="submit" variant="primary" pending={create.isPending}>
            Create schedule
          </Button>
        </div>
      </form>
    </Page>
  );
}

function problemsOf(id: string, target: Target, timing: Timing): Errors {
  const errors: Errors = {};
  const missing = targetProblem(target);
  if (missing) errors[missing.field] = missing.message;
  if (id.trim() === "") errors.id = "Give the schedule an id.";
  else if (id.includes(":")) errors.id = "An id can't have a colon.";
  if (!toRequest(timing)) {
    if (timing.kind === "cron") errors.cron = "Enter a cron pattern.";
    else errors.every = "Enter an interval, such as 15 minutes.";
  }
  return errors;
}
