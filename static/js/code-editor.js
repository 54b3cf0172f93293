// <code-editor>: CodeMirror over the textarea inside it; without scripts the textarea itself is the editor.

import {
  EditorState, EditorView, HighlightStyle, StreamLanguage, basicSetup, indentUnit, indentWithTab, jinja2, json, keymap,
  properties, python, shell, syntaxHighlighting, tags, yaml,
} from "../vendor/codemirror/codemirror.js";

const KEEP_MS = 1500;

/** What the name of a file says about its language. @type {[RegExp, () => object][]} */
const LANGUAGES = [
  [/\.ya?ml$/i, yaml],
  [/\.json$/i, json],
  [/\.py$/i, python],
  [/\.(sh|bash)$/i, () => StreamLanguage.define(shell)],
  [/\.j2$/i, () => StreamLanguage.define(jinja2)],
  [/(\.(ini|cfg|conf|properties|toml)|(^|\/)hosts)$/i, () => StreamLanguage.define(properties)],
];

/** The colours are the page's own, so they follow its theme. */
const LOOK = EditorView.theme({
  "&": { color: "var(--bs-body-color)", backgroundColor: "var(--surface-sunken)", border: "1px solid var(--line-strong)", borderRadius: "var(--bs-border-radius)", minHeight: "20rem", maxHeight: "70vh" },
  "&.cm-focused": { outline: "2px solid var(--accent)" },
  ".cm-scroller": { fontFamily: "var(--bs-font-monospace)", fontSize: ".875rem", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--bs-emphasis-color)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--bs-secondary-color)", borderRight: "1px solid var(--bs-border-color)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 8%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--bs-emphasis-color)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 35%, transparent)" },
  ".cm-panels": { backgroundColor: "var(--surface-raised)", color: "var(--bs-body-color)" },
  ".cm-panel input, .cm-panel button": { color: "var(--bs-body-color)", backgroundColor: "var(--surface-sunken)", backgroundImage: "none", border: "1px solid var(--line-strong)" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in srgb, var(--warn) 35%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--surface-raised)", border: "1px solid var(--bs-border-color)" },
});
const COLOURS = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null, tags.atom], color: "var(--hl-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--hl-string)" },
  { tag: [tags.comment, tags.meta], color: "var(--hl-comment)", fontStyle: "italic" },
  { tag: [tags.number, tags.literal], color: "var(--hl-number)" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.attributeName, tags.heading], color: "var(--hl-name)" },
  { tag: [tags.function(tags.variableName), tags.className, tags.typeName, tags.labelName], color: "var(--hl-function)" },
  { tag: tags.invalid, textDecoration: "underline wavy var(--bad)" },
]));

/** Typing over coloured text: the browser itself would copy the colours as inline styles, which the policy refuses. */
const REPLACED = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    const text = event.data;
    if (empty || event.inputType !== "insertText" || !text || view.composing) return false;
    const made = () => view.state.update({ ...view.state.replaceSelection(text), userEvent: "input.type", scrollIntoView: true });
    const taken = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, text, made));
    if (!taken) view.dispatch(made());
    event.preventDefault();
    return true;
  },
});

class CodeEditor extends HTMLElement {
  connectedCallback() {
    this.field = /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea"));
    const language = LANGUAGES.find(([pattern]) => pattern.test(this.dataset.path ?? ""))?.[1];
    // In a shadow root CodeMirror makes style sheets by script, which the node's policy allows.
    const root = this.attachShadow({ mode: "open" });
    root.append(document.createElement("slot"));
    this.field.hidden = true;
    this.view = new EditorView({
      root,
      parent: /** @type {any} */ (root),
      state: EditorState.create({
        doc: this.field.value,
        extensions: [
          keymap.of([{ key: "Mod-s", run: () => this.send() }, indentWithTab]),
          basicSetup,
          indentUnit.of("  "),
          EditorState.tabSize.of(4),
          EditorView.contentAttributes.of({ "aria-label": this.querySelector("label")?.textContent ?? "Contents" }),
          EditorView.updateListener.of((update) => { if (update.docChanged) this.changed(); }),
          REPLACED,
          LOOK,
          COLOURS,
          ...(language ? [language()] : []),
        ],
      }),
    });
    new Drafts(this);
  }

  /** What is typed goes where the form takes it from. */
  changed() {
    this.field.value = this.view.state.doc.toString();
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  send() {
    this.field.form?.requestSubmit();
    return true;
  }
}

/** Keeps what is typed on the node, a moment after the last letter. */
class Drafts {
  /** @param {CodeEditor} editor */
  constructor(editor) {
    const form = editor.field.form;
    this.status = document.getElementById("draft-status");
    if (!form?.dataset.edit || !this.status) return;
    this.form = form;
    this.timer = 0;
    this.busy = false;
    this.stopped = false;
    editor.field.addEventListener("input", () => this.later());
    form.addEventListener("submit", () => { clearTimeout(this.timer); this.stopped = true; });
    window.addEventListener("pagehide", () => { if (this.timer) this.keep(true); });
    // Typed before this script was there, or brought back by the browser.
    if (editor.field.value !== editor.field.defaultValue) this.later();
  }

  later() {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.say("Not kept yet");
    this.timer = window.setTimeout(() => this.keep(), KEEP_MS);
  }

  /** @param {boolean} leaving */
  async keep(leaving = false) {
    if (this.stopped) return;
    if (this.busy) return this.later();
    this.busy = true;
    this.timer = 0;
    const value = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name)).value;
    try {
      const answer = await fetch(`/api/v1/edits/${this.form.dataset.edit}/files`, {
        method: "PUT",
        keepalive: leaving,
        headers: { "Content-Type": "application/json", "X-CSRFToken": value("csrf_token") },
        body: JSON.stringify({ path: value("path"), text: value("content"), version: Number(value("version")) }),
      });
      const said = await answer.json();
      if (answer.ok) this.kept(said);
      else this.refused(said.detail, answer.status);
    } catch {
      this.say("The node cannot be reached; what you type is not kept yet.");
      this.timer = window.setTimeout(() => this.keep(), KEEP_MS * 4);
    }
    this.busy = false;
  }

  /** @param {{version: number, mistake: string | null}} said */
  kept(said) {
    /** @type {HTMLInputElement} */ (this.form.elements.namedItem("version")).value = String(said.version);
    const time = new Date().toLocaleTimeString();
    this.say(said.mistake ? `Draft kept at ${time}. ${said.mistake}` : `Draft kept at ${time}.`);
  }

  /** @param {string} sentence @param {number} status */
  refused(sentence, status) {
    this.say(sentence);
    if (status === 409) this.stopped = true; // another window has a later draft: nothing is overwritten
  }

  /** @param {string} sentence */
  say(sentence) {
    if (this.status) this.status.textContent = sentence;
  }
}

customElements.define("code-editor", CodeEditor);
