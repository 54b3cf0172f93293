// The list of runs: rows of runs that go on are kept fresh; nothing is asked while nothing goes on.

import { duration, secondsSince } from "./times.js";

const BUSY_MS = 2000;
const QUIET_MS = 15_000;

/** @param {HTMLElement} rows */
function keepFresh(rows) {
  const url = rows.dataset.rowsUrl ?? "";

  const refresh = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(url);
        if (answer.ok) replace(rows, await answer.text());
      } catch {
        // The node is away for a moment; the next look finds it.
      }
    }
    setTimeout(refresh, pause());
  };
  const pause = () => (rows.querySelector("[data-going-on]") ? BUSY_MS : QUIET_MS);

  if (!("older" in rows.dataset)) setTimeout(refresh, pause());
  document.addEventListener("visibilitychange", () => tick(rows));
  setInterval(() => tick(rows), 500);
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

/** @param {HTMLElement} rows */
function tick(rows) {
  for (const each of rows.querySelectorAll("[data-elapsed-since]")) {
    const cell = /** @type {HTMLElement} */ (each);
    cell.textContent = duration(secondsSince(cell.dataset.elapsedSince ?? ""));
  }
}

const rows = document.getElementById("rows");
if (rows) keepFresh(rows);
