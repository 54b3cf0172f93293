// What the editor of files uses of CodeMirror; README.md says how it becomes codemirror.js.
export { EditorView, basicSetup } from "codemirror";
export { EditorState } from "@codemirror/state";
export { keymap } from "@codemirror/view";
export { indentWithTab } from "@codemirror/commands";
export { openSearchPanel } from "@codemirror/search";
export { HighlightStyle, StreamLanguage, indentUnit, syntaxHighlighting } from "@codemirror/language";
export { tags } from "@lezer/highlight";
export { json } from "@codemirror/lang-json";
export { python } from "@codemirror/lang-python";
export { yaml } from "@codemirror/lang-yaml";
export { properties } from "@codemirror/legacy-modes/mode/properties";
export { shell } from "@codemirror/legacy-modes/mode/shell";
export { jinja2 } from "@codemirror/legacy-modes/mode/jinja2";
