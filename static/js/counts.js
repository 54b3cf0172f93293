// Numbers of runs that stay true while a page is open: [data-count-of] names the state.

import { live } from "./live.js";

/** @param {Document} page */
export function keepCountsFresh(page) {
  live?.addEventListener("runs", (event) => {
    const counts = /** @type {CustomEvent} */ (event).detail.counts;
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-count-of]"))) {
      each.textContent = String(counts[each.dataset.countOf ?? ""] ?? 0);
    }
  });
}
