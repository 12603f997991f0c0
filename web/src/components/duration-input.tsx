import type { FieldControl } from "./ui/field";
import { Input, NativeSelect } from "./ui/input";

export const durationUnits = {
  ms: { label: "milliseconds", size: 1 },
  s: { label: "seconds", size: 1000 },
  min: { label: "minutes", size: 60_000 },
  h: { label: "hours", size: 3_600_000 },
  d: { label: "days", size: 86_400_000 },
} as const;

export type DurationUnit = keyof typeof durationUnits;

/** A span as it is typed. */
export interface DurationText {
  amount: string;
  unit: DurationUnit;
}

/** The span in whole milliseconds; undefined if none is given, NaN if it can't be read. */
export function toMilliseconds({ amount, unit }: DurationText): number | undefined {
  const text = amount.trim();
  if (text === "") return undefined;
  if (!/^\d+(?:\.\d+)?$/.test(text)) return Number.NaN;
  return Math.round(Number(text) * durationUnits[unit].size);
}

/** A number and its unit. */
export function DurationInput({
  control,
  label,
  value,
  onChange,
}: {
  control: FieldControl;
  label: string;
  value: DurationText;
  onChange: (value: DurationText) => void;
}) {
  return (
    <div className="flex gap-2">
      <Input
        {...control}
        inputMode="decimal"
        autoComplete="off"
        value={value.amount}
        className="min-w-0 tabular-nums"
        onChange={(event) => onChange({ ...value, amount: event.target.value })}
      />
      <NativeSelect
        aria-label={`Unit of ${label}`}
        value={value.unit}
        className="w-36 shrink-0"
        onChange={(event) => onChange({ ...value, unit: event.target.value as DurationUnit })}
      >
        {Object.entries(durationUnits).map(([unit, { label: name }]) => (
          <option key={unit} value={unit}>
            {name}
          </option>
        ))}
      </NativeSelect>
    </div>
  );
}
