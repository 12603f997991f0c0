import { type RefObject, useEffect, useRef, useState } from "react";

/**
 * Brings the first refused field of a form into view after it could not be
 * sent. Call the returned function once the messages have been set.
 */
export function useFocusInvalid(): [form: RefObject<HTMLFormElement | null>, focusInvalid: () => void] {
  const form = useRef<HTMLFormElement>(null);
  const [refusals, setRefusals] = useState(0);
  useEffect(() => {
    if (refusals === 0) return;
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const message = form.current?.querySelector<HTMLElement>('[role="alert"]');
    if (invalid) invalid.focus();
    else message?.scrollIntoView({ block: "center" });
  }, [refusals]);
  return [form, () => setRefusals((count) => count + 1)];
}
