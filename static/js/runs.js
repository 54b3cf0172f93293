// The list of runs: asked for anew when the page's stream says that runs came or went on.

import { refresher } from "./fragment.js";
import { live } from "./live.js";
import { keepElapsedFresh } from "./times.js";

/** @param {HTMLElement} rows */
function keepFresh(rows) {
  const refresh = refresher(rows.dataset.rowsUrl ?? "", (html) => replace(rows, html));
  live?.addEventListener("runs", () => {
    if (!("older" in rows.dataset)) refresh();
  });
  keepElapsedFresh(rows);
}

/** Put fresh rows in, touching only those that differ. @param {HTMLElement} rows @param {string} html */
function replace(rows, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const known = new Map([...rows.querySelectorAll("tr")].map((row) => [row.dataset.run, row]));
  const fresh = [...template.content.querySelectorAll("tr")].map((row) => {
    const old = known.get(row.dataset.run);
    return old && signature(old) === signature(row) ? old : row;
  });
  const same = fresh.length === rows.children.length && fresh.every((row, index) => rows.children[index] === row);
  if (!same) rows.replaceChildren(...fresh);
}

/** What of a row may change: all but its times, which tick by themselves. @param {HTMLElement} row */
function signature(row) {
  return [...row.querySelectorAll("td")].slice(0, 4).map((cell) => cell.textContent?.trim()).join("|") + ("goingOn" in row.dataset);
}

const rows = document.getElementById("rows");
if (rows) keepFresh(rows);
