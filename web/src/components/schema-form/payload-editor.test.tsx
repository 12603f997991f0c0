import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { checkPayload, usePayload } from "./payload";
import { PayloadEditor, PayloadViewSwitch } from "./payload-editor";
import { readSchema } from "./schema";

const schema = readSchema({
  type: "object",
  required: ["url", "accountId"],
  properties: {
    url: { type: "string", title: "URL", description: "Where to send it." },
    accountId: { type: "integer", title: "Account" },
    method: { enum: ["GET", "POST"], default: "GET", title: "Method" },
    retry: { type: "boolean", title: "Retry" },
    tags: { type: "array", title: "Tags", items: { type: "string" } },
    auth: { type: "object", title: "Sign-in", properties: { user: { type: "string", title: "User" } } },
  },
});

function Harness() {
  const { payload, setPayload, view, setView } = usePayload(schema, "http");
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  return (
    <>
      <PayloadViewSwitch view={view} onChange={setView} />
      <PayloadEditor schema={schema} payload={payload} view={view} errors={errors} onChange={setPayload} />
      <button type="button" onClick={() => setErrors(checkPayload(payload, schema))}>
        Check
      </button>
      <output>{payload.text.replaceAll(/\s+/g, "")}</output>
    </>
  );
}

const written = () => screen.getByRole("status").textContent;

describe("the form of a job's data", () => {
  it("writes what is filled in, digit for digit, and leaves out what is not", async () => {
    const user = userEvent.setup();
    render(<Harness />);
    expect(written()).toBe('{"method":"GET"}');

    await user.type(screen.getByRole("textbox", { name: "URL" }), "https://example.com");
    await user.type(screen.getByRole("textbox", { name: "Account" }), "9007199254740993");
    await user.selectOptions(screen.getByRole("combobox", { name: "Method" }), "POST");
    await user.click(screen.getByRole("checkbox", { name: "Retry" }));
    expect(written()).toBe(
      '{"method":"POST","url":"https://example.com","accountId":9007199254740993,"retry":true}',
    );

    await user.clear(screen.getByRole("textbox", { name: "URL" }));
    expect(written()).not.toContain("url");
  });

  it("adds and removes items and nested members", async () => {
    const user = userEvent.setup();
    render(<Harness />);

    await user.click(screen.getByRole("button", { name: "Add item" }));
    await user.type(screen.getByRole("textbox", { name: "Tags 1" }), "new");
    await user.click(screen.getByRole("button", { name: "Add Sign-in" }));
    await user.type(screen.getByRole("textbox", { name: "User" }), "ann");
    expect(written()).toBe('{"method":"GET","tags":["new"],"auth":{"user":"ann"}}');

    await user.click(screen.getByRole("button", { name: "Remove Tags 1" }));
    await user.click(screen.getByRole("button", { name: "Remove Sign-in" }));
    expect(written()).toBe('{"method":"GET"}');
  });

  it("says at the field what is wrong with it", async () => {
    const user = userEvent.setup();
    render(<Harness />);
    await user.type(screen.getByRole("textbox", { name: "Account" }), "12a");
    await user.click(screen.getByRole("button", { name: "Check" }));

    const url = screen.getByRole("textbox", {
      name: "URL",
      description: "Where to send it. This is required.",
    });
    expect(url.getAttribute("aria-invalid")).toBe("true");
    screen.getByRole("textbox", { name: "Account", description: "This must be a number." });
  });

  it("shows the same value as JSON", async () => {
    const user = userEvent.setup();
    render(<Harness />);
    await user.type(screen.getByRole("textbox", { name: "Account" }), "7");
    await user.click(screen.getByRole("radio", { name: "JSON" }));

    const editor = await screen.findByRole("textbox", { name: "Data as JSON" }, { timeout: 10_000 });
    expect(editor.textContent).toContain('"accountId": 7');
  });
});
