// <run-terminal>: the output of a run with its tools; a million lines open as fast as ten.

import { copy } from "./clipboard.js";
import { LineStore, textOf } from "./line-store.js";
import { TerminalView } from "./terminal-view.js";
import { binarySize } from "./times.js";
import { toast } from "./toasts.js";

const MOST_LINES_COPIED = 10_000;
const ANNOUNCE_MS = 3000;
const ANNOUNCED_LINES = 3;
const LEAST_PIXELS = 280;
const BELOW_PIXELS = 24;

export class RunTerminal extends HTMLElement {
  constructor() {
    super();
    this.live = true;
    this.failure = /** @type {number | null} */ (null);
    this.announced = 0;
    this.bar = make("div", "term-bar");
    this.search = make("form", "term-search");
    this.field = /** @type {HTMLInputElement} */ (make("input", "form-control"));
    this.found = make("span", "term-found");
    this.previousButton = tool("chevron-up", "Previous match", "N", false);
    this.nextButton = tool("chevron-down", "Next match", "n", false);
    this.failureButton = tool("bug", "First failure", "", true);
    this.startButton = tool("arrow-bar-up", "First line", "Home", false);
    this.endButton = tool("arrow-bar-down", "Last line", "End", false);
    this.followButton = tool("arrow-down-circle", "Follow", "", true);
    this.wrapButton = tool("text-wrap", "Wrap", "", true);
    this.copyButton = tool("clipboard", "Copy", "", true);
    this.amount = make("span", "term-amount");
    this.screen = make("div", "term-screen");
    this.empty = make("p", "term-empty");
    this.log = make("div", "visually-hidden");
    this.store = new LineStore("");
    this.view = new TerminalView(this.screen, this.store);
  }

  connectedCallback() {
    if (this.contains(this.screen)) return;
    this.store.url = this.dataset.url ?? "";
    this.live = !this.hasAttribute("data-ended");
    this.build();
    this.listen();
    this.setFollow(this.live);
    this.setWrap(readWrap());
    this.begin();
  }

  build() {
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "Output");
    this.search.setAttribute("role", "search");
    this.search.setAttribute("aria-label", "This output");
    this.field.type = "search";
    this.field.placeholder = "Find in the output";
    this.field.setAttribute("aria-label", "Find in the output");
    this.found.setAttribute("role", "status");
    this.search.append(this.field, this.previousButton, this.nextButton, this.found);
    this.failureButton.hidden = true;
    this.bar.append(this.search, this.failureButton, this.startButton, this.endButton);
    this.bar.append(this.followButton, this.wrapButton, this.copyButton, this.amount);
    this.screen.tabIndex = 0;
    this.screen.setAttribute("role", "group");
    this.screen.setAttribute("aria-label", "Output of the run");
    this.log.setAttribute("role", "log");
    this.log.setAttribute("aria-label", "New output");
    this.replaceChildren(this.bar, this.screen, this.empty, this.log);
  }

  listen() {
    const { view, store } = this;
    view.addEventListener("moved", (event) => {
      const atEnd = /** @type {CustomEvent} */ (event).detail.end;
      if (this.live) this.setFollow(atEnd);
    });
    store.addEventListener("lines", () => this.figures());
    store.addEventListener("trouble", (event) => toast(`The output cannot be read: ${/** @type {CustomEvent} */ (event).detail}`, "bad"));
    this.screen.addEventListener("keydown", (event) => this.key(event));
    this.search.addEventListener("submit", (event) => {
      event.preventDefault();
      this.find("next");
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        this.find("previous");
      } else if (event.key === "Escape") {
        this.field.value = "";
        this.mark("");
        this.screen.focus();
      }
    });
    this.field.addEventListener("input", () => this.mark(this.field.value));
    this.nextButton.addEventListener("click", () => this.find("next"));
    this.previousButton.addEventListener("click", () => this.find("previous"));
    this.failureButton.addEventListener("click", () => this.failure !== null && this.goTo(this.failure));
    this.startButton.addEventListener("click", () => view.moveTo(0));
    this.endButton.addEventListener("click", () => view.moveTo(Infinity));
    this.followButton.addEventListener("click", () => this.setFollow(!view.follow));
    this.wrapButton.addEventListener("click", () => this.setWrap(!view.wrap));
    this.copyButton.addEventListener("click", () => this.copy());
    setInterval(() => this.announce(), ANNOUNCE_MS);
    new ResizeObserver(() => this.fit()).observe(document.body);
    window.addEventListener("resize", () => this.fit());
  }

  /** Let a long output fill the window down to its lower edge. */
  fit() {
    if (!this.screen.offsetParent) return; // another tab is open
    const above = this.screen.getBoundingClientRect().top + window.scrollY;
    const room = Math.max(LEAST_PIXELS, window.innerHeight - above - BELOW_PIXELS);
    this.screen.style.setProperty("--term-room", `${Math.floor(room)}px`);
  }

  /** Show the first screen, or, while the run goes on, the last one. */
  async begin() {
    try {
      await this.store.load(this.live ? -200 : 0, 200);
    } catch (error) {
      toast(`The output cannot be read: ${error instanceof Error ? error.message : error}`, "bad");
    }
    this.announced = this.store.total;
    this.fit();
    this.figures();
    this.view.draw();
  }

  /** The output has grown. @param {{total: number, size: number, start?: number, lines?: any[]}} now */
  grow({ total, size, start, lines }) {
    if (size === this.store.size) return;
    this.store.grow(total, size, start, lines);
    this.figures();
    this.view.draw();
  }

  /** The run has ended: nothing more will come. */
  end() {
    this.live = false;
    this.view.follow = false;
    this.figures();
    this.drawButtons();
  }

  /** @param {number | null} line */
  set firstFailure(line) {
    this.failure = line;
    this.failureButton.hidden = line === null;
  }

  /** @param {number} line */
  goTo(line) {
    this.setFollow(false);
    this.view.goTo(line);
    this.screen.focus({ preventScroll: true });
  }

  /** @param {boolean} on */
  setFollow(on) {
    this.view.follow = on && this.live;
    if (this.view.follow) this.view.later();
    this.drawButtons();
  }

  /** @param {boolean} on */
  setWrap(on) {
    this.view.wrap = on;
    this.screen.classList.toggle("term-wrapped", on);
    localStorage.setItem("terminal-wrap", on ? "yes" : "no");
    this.view.again();
    this.drawButtons();
  }

  drawButtons() {
    this.followButton.setAttribute("aria-pressed", String(this.view.follow));
    this.followButton.hidden = !this.live;
    this.wrapButton.setAttribute("aria-pressed", String(this.view.wrap));
  }

  figures() {
    const { total, size } = this.store;
    this.amount.textContent = total ? `${total.toLocaleString("en")} ${total === 1 ? "line" : "lines"}, ${binarySize(size)}` : "";
    this.screen.style.setProperty("--term-lines", String(Math.min(total, 400)));
    this.empty.hidden = total > 0;
    this.screen.classList.toggle("term-blank", total === 0);
    this.empty.textContent = this.live ? "Nothing has been printed yet; it appears here as it comes." : "This run printed nothing.";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || event.metaKey || (event.ctrlKey && !["Home", "End"].includes(event.key))) return;
    const { view } = this;
    const page = Math.max(1, Math.floor(view.visible) - 1);
    /** @type {Record<string, () => void>} */
    const keys = {
      Home: () => view.moveTo(0),
      End: () => view.moveTo(Infinity),
      PageUp: () => view.moveBy(-page),
      PageDown: () => view.moveBy(page),
      " ": () => view.moveBy(event.shiftKey ? -page : page),
      ArrowUp: () => view.moveBy(-1),
      ArrowDown: () => view.moveBy(1),
      "/": () => this.field.select(),
      n: () => this.find("next"),
      N: () => this.find("previous"),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** @param {string} text */
  mark(text) {
    this.view.needle = text;
    this.view.here = -1;
    this.found.textContent = "";
    this.view.again();
  }

  /** @param {"next" | "previous"} direction */
  async find(direction) {
    const text = this.field.value;
    if (!text) {
      this.field.focus();
      return;
    }
    const { store, view } = this;
    const from = view.here >= 0 ? view.here : direction === "next" ? Math.floor(view.top) - 1 : Math.ceil(view.top + view.visible);
    try {
      let line = await store.find(text, from, direction);
      let words = "";
      if (line === null) {
        line = await store.find(text, direction === "next" ? -1 : store.total, direction);
        words = direction === "next" ? "from the top again, " : "from the end again, ";
      }
      if (line === null) {
        this.found.textContent = "no match";
        return;
      }
      this.setFollow(false);
      view.goTo(line);
      this.found.textContent = `${words}line ${(line + 1).toLocaleString("en")}`;
    } catch (error) {
      this.found.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /** Copy what is selected; else all of it where that is little; else what is on screen. */
  async copy() {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && this.screen.contains(selection.anchorNode)) {
      await copy(selection.toString(), "Selection");
      return;
    }
    const whole = await this.store.whole(MOST_LINES_COPIED);
    if (whole !== null) await copy(whole, `Output of ${this.store.total.toLocaleString("en")} lines`);
    else await copy(this.view.shownText(), "What is on screen (the output is long: download has all of it)");
  }

  /** Read new lines out, a few at a time, so that a busy run does not drown a screen reader. */
  announce() {
    const { store } = this;
    if (document.hidden || store.total <= this.announced) return;
    const fresh = store.total - this.announced;
    const lines = [];
    for (let number = Math.max(this.announced, store.total - ANNOUNCED_LINES); number < store.total; number += 1) {
      const line = store.get(number);
      if (line) lines.push(textOf(line));
    }
    this.announced = store.total;
    const words = make("p", "");
    const skipped = fresh - lines.length;
    words.textContent = `${skipped > 0 ? `${skipped} more lines, then: ` : ""}${lines.join("\n")}`;
    this.log.append(words);
    while (this.log.children.length > 5) this.log.firstChild?.remove();
  }
}

function readWrap() {
  return localStorage.getItem("terminal-wrap") === "yes";
}

/** @param {string} name @param {string} classes */
function make(name, classes) {
  const made = document.createElement(name);
  made.className = classes;
  return made;
}

/** @param {string} picture @param {string} label @param {string} key @param {boolean} worded */
function tool(picture, label, key, worded) {
  const button = /** @type {HTMLButtonElement} */ (make("button", "btn btn-quiet btn-sm"));
  button.type = "button";
  button.title = key ? `${label} (${key})` : label;
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("tool-icons"));
  const drawn = template?.content.querySelector(`[data-icon="${picture}"] svg`);
  if (drawn) button.append(drawn.cloneNode(true));
  const words = make("span", worded ? "term-word" : "visually-hidden");
  words.textContent = label;
  button.append(words);
  return button;
}

customElements.define("run-terminal", RunTerminal);
