import { Controller, type UseFormReturn } from "react-hook-form";
import { DurationInput } from "@/components/duration-input";
import { Field } from "@/components/ui/field";
import { Input, NativeSelect } from "@/components/ui/input";
import { type OptionsForm, optionRules } from "./options";

/** The options most jobs need. A schedule names its jobs and sets their time itself. */
export function OptionFields({
  form,
  scheduled = false,
}: {
  form: UseFormReturn<OptionsForm>;
  scheduled?: boolean;
}) {
  const { register, control, formState, watch } = form;
  const { errors } = formState;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      {!scheduled && (
        <>
          <Field
            label="Delay"
            description="How long the job waits before it may run."
            error={errors.delay?.message}
          >
            {(field) => (
              <Controller
                control={control}
                name="delay"
                rules={{ validate: optionRules.duration }}
                render={({ field: { value, onChange } }) => (
                  <DurationInput control={field} label="the delay" value={value} onChange={onChange} />
                )}
              />
            )}
          </Field>
          <Field
            label="Job id"
            description="A job whose id exists already is not added again."
            error={errors.jobId?.message}
          >
            {(field) => <Input {...field} {...register("jobId")} autoComplete="off" spellCheck={false} />}
          </Field>
        </>
      )}
      <Field
        label="Priority"
        description="1 runs first; empty runs before all."
        error={errors.priority?.message}
      >
        {(field) => (
          <Input
            {...field}
            {...register("priority", { validate: optionRules.priority })}
            inputMode="numeric"
          />
        )}
      </Field>
      <Field
        label="Attempts"
        description="How often the job is tried in all."
        error={errors.attempts?.message}
      >
        {(field) => (
          <Input
            {...field}
            {...register("attempts", { validate: optionRules.attempts })}
            inputMode="numeric"
          />
        )}
      </Field>
      <Field label="Pause between attempts" error={errors.backoffType?.message}>
        {(field) => (
          <NativeSelect {...field} {...register("backoffType")}>
            <option value="">As the handler says</option>
            <option value="fixed">Always the same</option>
            <option value="exponential">Twice as long each time</option>
          </NativeSelect>
        )}
      </Field>
      {watch("backoffType") !== "" && (
        <Field label="First pause" error={errors.backoffDelay?.message}>
          {(field) => (
            <Controller
              control={control}
              name="backoffDelay"
              rules={{ validate: optionRules.duration }}
              render={({ field: { value, onChange } }) => (
                <DurationInput control={field} label="the first pause" value={value} onChange={onChange} />
              )}
            />
          )}
        </Field>
      )}
    </div>
  );
}
