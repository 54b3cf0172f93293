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
    const { hosts, health } = /** @type {CustomEvent} */ (event).detail;
    for (const each of page.querySelectorAll("[data-nodes-healthy]")) each.textContent = healthy(health.counts);
    for (const each of page.querySelectorAll("[data-count-hosts]")) if (hosts) each.textContent = String(hosts.length);
  });
}

/** How many of the watched nodes are healthy. @param {Record<string, number>} counts */
function healthy(counts) {
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  return `${counts.healthy ?? 0}/${all - (counts.disabled ?? 0)}`;
}
