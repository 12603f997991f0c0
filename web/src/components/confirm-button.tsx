import { type ComponentProps, type ReactNode, useState } from "react";
import { ErrorNotice } from "./error-state";
import { Button } from "./ui/button";
import { Dialog } from "./ui/dialog";

interface ConfirmButtonProps extends Omit<ComponentProps<typeof Button>, "onClick" | "title"> {
  /** The question, naming what is acted on. */
  title: string;
  /** What will happen, and whether it can be undone. */
  consequence: ReactNode;
  /** The verb on the button that does it. */
  confirmLabel: string;
  onConfirm: () => Promise<unknown>;
}

/** A button whose action is carried out only after the reader has agreed to what it does. */
export function ConfirmButton({
  title,
  consequence,
  confirmLabel,
  onConfirm,
  variant,
  ...button
}: ConfirmButtonProps) {
  const [open, setOpen] = useState(false);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();

  const confirm = async () => {
    setPending(true);
    setError(undefined);
    try {
      await onConfirm();
      setOpen(false);
    } catch (refusal) {
      setError(refusal);
    } finally {
      setPending(false);
    }
  };

  const change = (next: boolean) => {
    setError(undefined);
    setOpen(next);
  };

  return (
    <>
      <Button {...button} variant={variant} onClick={() => change(true)} />
      <Dialog open={open} onOpenChange={change} title={title} description={consequence}>
        <ErrorNotice error={error} />
        <div className="flex justify-end gap-2">
          <Button onClick={() => change(false)}>Cancel</Button>
          <Button
            variant={variant === "primary" ? "primary" : "destructive"}
            pending={pending}
            onClick={() => void confirm()}
          >
            {confirmLabel}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
