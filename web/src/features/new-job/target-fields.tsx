import { Field } from "@/components/ui/field";
import { Input, NativeSelect } from "@/components/ui/input";
import type { Target, TargetChoices } from "./target";

const noHandlers = "No JobRunner worker serves this queue now. A BullMQ worker may know the name.";
const typedOption = "\u0000typed";

interface TargetFieldsProps {
  target: Target;
  choices: TargetChoices;
  errors: { queue?: string; name?: string };
  onChange: (target: Target) => void;
}

/** Picks a queue, then one of the handlers that serve it. */
export function TargetFields({ target, choices, errors, onChange }: TargetFieldsProps) {
  const unknown = target.queue !== "" && choices.handlers.length === 0 && !choices.loading;
  const typed = target.typed || unknown;

  const pickQueue = (queue: string) => {
    // A handler that the other queue's workers have stays picked.
    const stays = typed || choices.handler?.queues.includes(queue);
    onChange({ ...target, queue, name: stays ? target.name : "" });
  };
  const pickHandler = (value: string) => {
    onChange(
      value === typedOption ? { ...target, name: "", typed: true } : { ...target, name: value, typed: false },
    );
  };

  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Queue" required error={errors.queue}>
        {(control) => (
          <NativeSelect {...control} value={target.queue} onChange={(event) => pickQueue(event.target.value)}>
            <option value="" disabled>
              Choose…
            </option>
            {choices.queues.map((queue) => (
              <option key={queue} value={queue}>
                {queue}
              </option>
            ))}
          </NativeSelect>
        )}
      </Field>
      <Field
        label="Handler"
        required
        error={errors.name}
        description={unknown ? noHandlers : choices.handler?.description}
      >
        {(control) =>
          typed ? (
            <Input
              {...control}
              value={target.name}
              placeholder="The job's name"
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => onChange({ ...target, name: event.target.value, typed: true })}
            />
          ) : (
            <NativeSelect
              {...control}
              value={target.name}
              disabled={target.queue === ""}
              onChange={(event) => pickHandler(event.target.value)}
            >
              <option value="" disabled>
                {target.queue === "" ? "Choose a queue first" : "Choose…"}
              </option>
              {choices.handlers.map((handler) => (
                <option key={handler.name} value={handler.name}>
                  {handler.name}
                </option>
              ))}
              <option value={typedOption}>Another name…</option>
            </NativeSelect>
          )
        }
      </Field>
    </div>
  );
}
