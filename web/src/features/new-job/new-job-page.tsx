import { useNavigate, useSearch } from "@tanstack/react-router";
import { ListTree } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useForm } from "react-hook-form";
import { toast } from "sonner";
import { ApiError } from "@/api/error";
import { EmptyState } from "@/components/empty-state";
import { ErrorNotice, ErrorState } from "@/components/error-state";
import { Page } from "@/components/page";
import { checkPayload, payloadErrors, usePayload } from "@/components/schema-form/payload";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { showFieldErrors } from "@/lib/form-errors";
import { useFocusInvalid } from "@/lib/use-focus-invalid";
import { DataCard } from "./data-card";
import { OptionFields } from "./option-fields";
import { emptyOptions, type OptionsForm, optionFields, toJobOptions } from "./options";
import { useSubmitJob } from "./submit-job";
import { type Target, targetProblem, useTargetChoices } from "./target";
import { TargetFields } from "./target-fields";

export function NewJobPage() {
  const search = useSearch({ from: "/app/jobs/new" });
  const [target, setTarget] = useState<Target>({
    queue: search.queue ?? "",
    name: search.handler ?? "",
    typed: false,
  });
  const choices = useTargetChoices(target);

  if (choices.error) return <ErrorState error={choices.error} />;
  if (!choices.loading && choices.queues.length === 0) {
    return (
      <EmptyState icon={ListTree} title="There is no queue to add a job to">
        Start a worker, or create a queue on the Queues page.
      </EmptyState>
    );
  }
  return <NewJobForm target={target} onTarget={setTarget} choices={choices} />;
}

function NewJobForm({
  target,
  onTarget,
  choices,
}: {
  target: Target;
  onTarget: (target: Target) => void;
  choices: ReturnType<typeof useTargetChoices>;
}) {
  const navigate = useNavigate();
  const submission = useSubmitJob();
  const options = useForm<OptionsForm>({ defaultValues: emptyOptions });
  const { schema } = choices;
  const { payload, setPayload, view, setView } = usePayload(schema, schema ? target.name : "");
  const [dataErrors, setDataErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const [targetErrors, setTargetErrors] = useState<{ queue?: string; name?: string }>({});
  const [refusal, setRefusal] = useState<unknown>();
  const [checked, setChecked] = useState(false);
  const [formRef, focusInvalid] = useFocusInvalid();

  const changePayload = (next: typeof payload) => {
    setPayload(next);
    // Once told what is wrong, the reader sees at once when it is mended.
    if (checked) setDataErrors(checkPayload(next, schema));
  };
  const changeTarget = (next: Target) => {
    onTarget(next);
    setTargetErrors({});
    if (next.name !== target.name) {
      setDataErrors(new Map());
      setChecked(false);
    }
  };

  const refuse = (error: unknown) => {
    if (!(error instanceof ApiError)) return setRefusal(error);
    const { own } = payloadErrors(error.fields, "body.data");
    const named = error.fields.find(({ location }) => location === "body.name");
    const queue = error.fields.find(({ location }) => /^(?:path\.)?queue$/.test(location));
    setDataErrors(own);
    setTargetErrors({ name: named?.message, queue: queue?.message });
    const inOptions = showFieldErrors(error, optionFields, options.setError);
    const placed = own.size + (named ? 1 : 0) + (queue ? 1 : 0);
    if (!inOptions && placed < Math.max(1, error.fields.length)) setRefusal(error);
  };

  const send = options.handleSubmit(async (form) => {
    const missing = targetProblem(target);
    const errors = checkPayload(payload, schema);
    setTargetErrors(missing ? { [missing.field]: missing.message } : {});
    setDataErrors(errors);
    setChecked(true);
    setRefusal(undefined);
    if (missing || errors.size > 0) {
      focusInvalid();
      return;
    }
    try {
      const name = target.name.trim();
      const job = await submission.mutateAsync({
        queue: target.queue,
        name,
        data: payload.text,
        opts: toJobOptions(form),
      });
      toast.success(`Added job ${job.id} to ${job.queue}.`);
      await navigate({ to: "/queues/$queue/jobs/$jobId", params: { queue: job.queue, jobId: job.id } });
    } catch (error) {
      refuse(error);
      focusInvalid();
    }
  });
  const submit = (event: FormEvent<HTMLFormElement>) => void send(event);

  return (
    <Page title="New job">
      <form ref={formRef} noValidate onSubmit={submit} className="flex max-w-3xl flex-col gap-5">
        <ErrorNotice error={refusal} />
        <Card title="What to run">
          <TargetFields target={target} choices={choices} errors={targetErrors} onChange={changeTarget} />
        </Card>
        <DataCard
          title="Data"
          handler={target.name}
          schema={schema}
          payload={payload}
          view={view}
          errors={dataErrors}
          onChange={changePayload}
          onViewChange={setView}
        />
        <Card title="Options">
          <OptionFields form={options} />
        </Card>
        <div className="flex justify-end">
          <Button type="submit" variant="primary" pending={submission.isPending}>
            Add job
          </Button>
        </div>
      </form>
    </Page>
  );
}
