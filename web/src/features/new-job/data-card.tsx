import type { ComponentProps } from "react";
import { PayloadEditor, PayloadViewSwitch } from "@/components/schema-form/payload-editor";
import { Card } from "@/components/ui/card";

interface DataCardProps extends ComponentProps<typeof PayloadEditor> {
  title: string;
  /** The handler that takes the data; empty before one is chosen. */
  handler: string;
  onViewChange: ComponentProps<typeof PayloadViewSwitch>["onChange"];
}

/** The data of a job, as a form by its handler's schema or as JSON. */
export function DataCard({ title, handler, onViewChange, ...editor }: DataCardProps) {
  return (
    <Card
      title={title}
      actions={editor.schema && <PayloadViewSwitch view={editor.view} onChange={onViewChange} />}
    >
      {handler === "" ? (
        <p className="text-muted-foreground">Choose a handler first; it says which data it takes.</p>
      ) : (
        <PayloadEditor {...editor} />
      )}
    </Card>
  );
}
