import { useNavigate } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { ErrorNotice } from "@/components/error-state";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { showFieldErrors } from "@/lib/form-errors";
import { useCreateQueue } from "./queries";

interface NewQueue {
  name: string;
}

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function NewQueueDialog({ open, onOpenChange }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New queue"
      description="Jobs can be added at once. They run when a worker is told to serve the queue."
    >
      <NewQueueForm onOpenChange={onOpenChange} />
    </Dialog>
  );
}

function NewQueueForm({ onOpenChange }: Pick<Props, "onOpenChange">) {
  const navigate = useNavigate();
  const create = useCreateQueue();
  const { register, handleSubmit, formState, setError } = useForm<NewQueue>();
  const atField = create.error && formState.errors.name;

  const submit = handleSubmit(async ({ name }) => {
    try {
      const queue = await create.mutateAsync(name);
      onOpenChange(false);
      await navigate({ to: "/queues/$queue", params: { queue: queue.name } });
    } catch (error) {
      showFieldErrors(error, { "body.name": "name" }, setError);
    }
  });

  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-4">
      {!atField && <ErrorNotice error={create.error} />}
      <Field
        label="Name"
        description="Any text without a colon, such as mail."
        error={formState.errors.name?.message}
      >
        {(control) => (
          <Input
            {...control}
            {...register("name", {
              required: "Give the queue a name.",
              validate: (name) => !name.includes(":") || "A queue's name can't have a colon.",
            })}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
      <div className="flex justify-end gap-2">
        <Button onClick={() => onOpenChange(false)}>Cancel</Button>
        <Button type="submit" variant="primary" pending={create.isPending}>
          Create queue
        </Button>
      </div>
    </form>
  );
}
