import { json } from "@codemirror/lang-json";
import { type Diagnostic, linter, lintGutter } from "@codemirror/lint";
import CodeMirror, { EditorView } from "@uiw/react-codemirror";
import { JsonSyntaxError, parseExact } from "@/lib/exact-json";
import { useTheme } from "@/lib/theme";

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
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in oklab, var(--muted) 60%, transparent)",
  },
});

const extensions = [json(), syntax, lintGutter(), look, EditorView.lineWrapping];

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
  const { resolved } = useTheme();
  return (
    <CodeMirror
      value={value}
      onChange={onChange}
      theme={resolved}
      extensions={[...extensions, EditorView.contentAttributes.of({ "aria-label": label })]}
      indentWithTab={false}
      minHeight="12rem"
      maxHeight="32rem"
    />
  );
}
