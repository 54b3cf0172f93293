// API calls: the answers of a call as they come; a form that follows the chosen type.

import { refresher } from "./fragment.js";
import { live } from "./live.js";
import { keepElapsedFresh } from "./times.js";

/** @param {HTMLElement} place */
function follow(place) {
  const refresh = refresher(place.dataset.url ?? "", (html) => replace(place, html));
  live?.addEventListener("call", refresh);
  keepElapsedFresh(place);
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
