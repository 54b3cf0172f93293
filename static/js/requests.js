// Requests on every page: how many wait for this person; and [data-fresh], asked for anew when one changes.

import { live } from "./live.js";

/** @param {Document} page */
export function followRequests(page) {
  live?.addEventListener("requests", (event) => {
    count(page, /** @type {CustomEvent} */ (event).detail.for_me.length);
    refresh(page);
  });
  // A preview is a run: its progress belongs to the page of its request.
  live?.addEventListener("runs", () => {
    if (page.getElementById("request")) refresh(page);
  });
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

/** @param {Document} page */
async function refresh(page) {
  const part = /** @type {HTMLElement | null} */ (page.querySelector("[data-fresh]"));
  if (!part) return;
  try {
    const answer = await fetch(part.dataset.fresh ?? "");
    const html = answer.ok ? await answer.text() : part.innerHTML;
    if (html.trim() !== part.dataset.seen) part.innerHTML = html;
    part.dataset.seen = html.trim();
  } catch {
    // The node is away for a moment; the stream finds it again and tells.
  }
}
