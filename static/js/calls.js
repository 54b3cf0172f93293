// API calls: the answers of a call as they come; a form that follows the chosen type.

import { live } from "./live.js";
import { duration, secondsSince } from "./times.js";

/** @param {HTMLElement} place */
function follow(place) {
  const refresh = async () => {
    try {
      const answer = await fetch(place.dataset.url ?? "");
      if (answer.ok) replace(place, await answer.text());
    } catch {
      // The node is away for a moment; the stream finds it again and tells.
    }
  };
  live?.addEventListener("call", refresh);
  setInterval(() => tick(place), 500);
}

/** Put in only what differs, so that what somebody has opened stays open. @param {HTMLElement} place @param {string} html */
function replace(place, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const words = template.content.querySelector(".call-counts");
  if (words) place.querySelector(".call-counts")?.replaceWith(words);
  for (const fresh of template.content.querySelectorAll(".answer")) {
    const node = CSS.escape(fresh.getAttribute("data-node") ?? "");
    const old = place.querySelector(`.answer[data-node="${node}"]`);
    if (old && old.getAttribute("data-state") !== fresh.getAttribute("data-state")) old.replaceWith(fresh);
  }
}

/** @param {HTMLElement} place */
function tick(place) {
  for (const each of place.querySelectorAll("[data-elapsed-since]")) {
    const cell = /** @type {HTMLElement} */ (each);
    cell.textContent = duration(secondsSince(cell.dataset.elapsedSince ?? ""));
  }
}

/** @param {HTMLInputElement} input */
function filter(input) {
  const rows = document.getElementById(input.dataset.filters ?? "")?.children ?? [];
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of rows) row.toggleAttribute("hidden", !row.textContent?.toLowerCase().includes(wanted));
  });
}

const answers = document.getElementById("answers");
if (answers?.dataset.callOpen) follow(answers);
for (const each of document.querySelectorAll("select[data-sends-itself]")) {
  each.addEventListener("change", () => /** @type {HTMLSelectElement} */ (each).form?.requestSubmit());
}
for (const each of document.querySelectorAll("input[data-filters]")) filter(/** @type {HTMLInputElement} */ (each));
