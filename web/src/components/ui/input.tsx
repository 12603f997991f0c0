import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const control =
  "w-full rounded-md border border-input bg-card text-foreground transition-colors hover:border-muted-foreground/50 disabled:opacity-60 disabled:cursor-not-allowed aria-invalid:border-destructive focus-visible:outline-offset-0";

export function Input({ className, ...props }: ComponentProps<"input">) {
  return <input {...props} className={cn(control, "h-8 px-2.5", className)} />;
}

export function Textarea({ className, ...props }: ComponentProps<"textarea">) {
  return <textarea {...props} className={cn(control, "min-h-20 px-2.5 py-1.5 leading-5", className)} />;
}

/** The platform's own select: right on phones, with a keyboard and with a screen reader. */
export function NativeSelect({ className, ...props }: ComponentProps<"select">) {
  return (
    <select
      {...props}
      className={cn(
        control,
        "h-8 appearance-none bg-[image:var(--chevron)] bg-[length:1rem] bg-[position:right_0.5rem_center] bg-no-repeat pr-8 pl-2.5",
        className,
      )}
    />
  );
}

export function Checkbox({ className, ...props }: Omit<ComponentProps<"input">, "type">) {
  return (
    <input
      {...props}
      type="checkbox"
      className={cn("size-4 shrink-0 rounded accent-(--primary)", className)}
    />
  );
}
