import { json } from "@codemirror/lang-json";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, linter, lintGutter } from "@codemirror/lint";
import { tags } from "@lezer/highlight";
import CodeMirror, { EditorView } from "@uiw/react-codemirror";
import { JsonSyntaxError, parseExact } from "@/lib/exact-json";

const syntax = linter((view): Diagnostic[] => {
  const text = view.state.doc.toString();
  if (text.trim() === "") return [];
  try {
    parseExact(text);
    return [];
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const from = Math.min(error.position, text.length);
    return [{ from, to: Math.min(from + 1, text.length), severity: "error", message: error.message }];
  }
});

const look = EditorView.theme({
  "&": { backgroundColor: "transparent", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.25rem" },
  ".cm-gutters": {
    backgroundColor: "transparent",
    borderRight: "1px solid var(--border)",
    color: "var(--muted-foreground)",
  },
  ".cm-content": { caretColor: "var(--foreground)" },
  ".cm-cursor": { borderLeftColor: "var(--foreground)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklab, var(--primary) 25%, transparent)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--popover)",
    border: "1px solid var(--border)",
    color: "var(--popover-foreground)",
  },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in oklab, var(--muted) 60%, transparent)",
  },
});

/** The colors of the JSON that is only shown. */
const colors = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.string, color: "var(--state-completed)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--state-active)" },
    { tag: tags.propertyName, color: "var(--foreground)" },
    { tag: tags.punctuation, color: "var(--muted-foreground)" },
  ]),
);

const extensions = [json(), syntax, lintGutter(), look, colors, EditorView.lineWrapping];

/** A JSON editor that says where the text is wrong. Tab leaves it, as it leaves every other field. */
export default function JsonEditor({
  value,
  label,
  onChange,
}: {
  value: string;
  label: string;
  onChange: (text: string) => void;
}) {
  return (
    <CodeMirror
      value={value}
      onChange={onChange}
      theme="none"
      extensions={[...extensions, EditorView.contentAttributes.of({ "aria-label": label })]}
      indentWithTab={false}
      minHeight="12rem"
      maxHeight="32rem"
    />
  );
}
