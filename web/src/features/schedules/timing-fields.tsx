import { DurationInput } from "@/components/duration-input";
import { Field } from "@/components/ui/field";
import { Input, NativeSelect } from "@/components/ui/input";
import { timeZones } from "@/lib/time";
import { describeCron } from "./describe";
import type { Timing } from "./timing";

interface TimingFieldsProps {
  timing: Timing;
  errors: { cron?: string; tz?: string; every?: string };
  onChange: (timing: Timing) => void;
}

export function TimingFields({ timing, errors, onChange }: TimingFieldsProps) {
  return (
    <div className="flex flex-col gap-4">
      <Field label="Repeats">
        {(control) => (
          <NativeSelect
            {...control}
            value={timing.kind}
            className="max-w-80"
            onChange={(event) =>
              onChange({ ...timing, kind: event.target.value === "every" ? "every" : "cron" })
            }
          >
            <option value="cron">At set times, by a cron pattern</option>
            <option value="every">After a set interval</option>
          </NativeSelect>
        )}
      </Field>
      {timing.kind === "cron" ? (
        <CronFields timing={timing} errors={errors} onChange={onChange} />
      ) : (
        <Field label="Interval" required error={errors.every}>
          {(control) => (
            <DurationInput
              control={control}
              label="the interval"
              value={timing.every}
              onChange={(every) => onChange({ ...timing, every })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

function CronFields({ timing, errors, onChange }: TimingFieldsProps) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Cron pattern"
        required
        description={
          describeCron(timing.cron) ?? "Minute, hour, day, month, weekday; with six fields, seconds first."
        }
        error={errors.cron}
      >
        {(control) => (
          <Input
            {...control}
            value={timing.cron}
            className="font-mono"
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange({ ...timing, cron: event.target.value })}
          />
        )}
      </Field>
      <Field label="Time zone" error={errors.tz}>
        {(control) => (
          <NativeSelect
            {...control}
            value={timing.tz}
            onChange={(event) => onChange({ ...timing, tz: event.target.value })}
          >
            {timeZones().map((zone) => (
              <option key={zone} value={zone}>
                {zone}
              </option>
            ))}
          </NativeSelect>
        )}
      </Field>
    </div>
  );
}
