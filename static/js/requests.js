// Requests on every page: how many wait for this person; and [data-fresh], asked for anew when one changes.

import { refresher } from "./fragment.js";
import { live } from "./live.js";

/** @param {Document} page */
export function followRequests(page) {
  const part = /** @type {HTMLElement | null} */ (page.querySelector("[data-fresh]"));
  const refresh = part ? refresher(part.dataset.fresh ?? "", (html) => put(part, html)) : () => {};
  live?.addEventListener("requests", (event) => {
    count(page, /** @type {CustomEvent} */ (event).detail.for_me.length);
    refresh();
  });
  // A preview is a run: its progress belongs to the page of its request.
  if (part?.id === "request") live?.addEventListener("runs", refresh);
}

/** @param {Document} page @param {number} waiting */
function count(page, waiting) {
  const link = page.getElementById("requests-for-me");
  const figure = page.getElementById("requests-count");
  if (!link || !figure) return;
  link.hidden = waiting === 0;
  link.setAttribute("aria-label", `Requests waiting for you: ${waiting}`);
  for (const each of [figure, ...page.querySelectorAll("[data-requests-for-me]")]) each.textContent = String(waiting);
}

/** Put it in where it differs. @param {HTMLElement} part @param {string} html */
function put(part, html) {
  if (html.trim() !== part.dataset.seen) part.innerHTML = html;
  part.dataset.seen = html.trim();
}
