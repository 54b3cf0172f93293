// Numbers of runs and hosts that stay true while a page is open: [data-count-of] names the state.

import { live } from "./live.js";

/** @param {Document} page */
export function keepCountsFresh(page) {
  live?.addEventListener("runs", (event) => {
    const counts = /** @type {CustomEvent} */ (event).detail.counts;
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-count-of]"))) {
      each.textContent = String(counts[each.dataset.countOf ?? ""] ?? 0);
    }
  });
  live?.addEventListener("nodes", (event) => {
    const hosts = /** @type {CustomEvent} */ (event).detail.hosts;
    for (const each of page.querySelectorAll("[data-count-hosts]")) if (hosts) each.textContent = String(hosts.length);
  });
}
