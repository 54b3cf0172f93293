// One result as a tree, in a sheet at the side.

import { badge } from "./badges.js";
import { sentence } from "./line-store.js";
import { duration } from "./times.js";

/** @typedef {import("./run-results.js").Result} Result */

const OPEN_DEPTH = 2;

export class ResultSheet {
  /** @param {HTMLDialogElement} dialog @param {string} url of the run in the API @param {(line: number) => void} showLine */
  constructor(dialog, url, showLine) {
    this.dialog = dialog;
    this.url = url;
    this.showLine = showLine;
    this.title = /** @type {HTMLElement} */ (dialog.querySelector("#result-title"));
    this.about = /** @type {HTMLElement} */ (dialog.querySelector("#result-about"));
    this.tree = /** @type {HTMLElement} */ (dialog.querySelector("#result-tree"));
    dialog.querySelector("[data-sheet-close]")?.addEventListener("click", () => dialog.close());
  }

  /** @param {Result} result @param {string} task */
  async open(result, task) {
    this.title.textContent = `${task} on ${result.host}`;
    const line = document.createElement("button");
    line.type = "button";
    line.className = "btn btn-quiet btn-sm";
    line.textContent = "Show in the output";
    line.addEventListener("click", () => {
      this.dialog.close();
      this.showLine(result.line);
    });
    const took = document.createElement("span");
    took.className = "text-secondary figure";
    took.textContent = result.seconds === null ? "" : duration(result.seconds);
    this.about.replaceChildren(badge(result.status), took, line);
    this.tree.textContent = "Loading…";
    this.dialog.showModal();
    try {
      const answer = await fetch(`${this.url}/results/${result.counter}`);
      if (!answer.ok) throw new Error(await sentence(answer));
      const found = await answer.json();
      this.tree.replaceChildren(branch(found.result ?? found, 0));
    } catch (error) {
      this.tree.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}

/** @param {unknown} value @param {number} depth @returns {Node} */
function branch(value, depth) {
  if (value === null || typeof value !== "object") return leaf(value);
  const list = document.createElement("ul");
  for (const [key, each] of Object.entries(value)) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "tree-key";
    name.textContent = key;
    const nested = each !== null && typeof each === "object" && Object.keys(each).length > 0;
    if (nested) {
      const fold = document.createElement("details");
      fold.open = depth < OPEN_DEPTH;
      const summary = document.createElement("summary");
      const size = document.createElement("span");
      size.className = "text-secondary";
      size.textContent = Array.isArray(each) ? ` ${each.length} items` : ` ${Object.keys(each).length} values`;
      summary.append(name, size);
      fold.append(summary, branch(each, depth + 1));
      item.append(fold);
    } else item.append(name, leaf(each));
    list.append(item);
  }
  return list;
}

/** @param {unknown} value */
function leaf(value) {
  const long = typeof value === "string" && value.includes("\n");
  const shown = document.createElement(long ? "pre" : "span");
  shown.className = `tree-value tree-${value === null ? "null" : typeof value}`;
  if (long) shown.tabIndex = 0;
  shown.textContent = typeof value === "string" ? value || "(empty)" : JSON.stringify(value);
  return shown;
}
