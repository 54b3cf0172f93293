// The Health pages while they are open: counts and changes by the page's stream, figures anew every ten seconds.

import { refresher } from "./fragment.js";
import { live } from "./live.js";
import { ago, secondsSince } from "./times.js";

const REFRESH_MS = 10_000; // as often as nodes speak
const MINUTE = 60;

/** @typedef {{name: string, state: string, since: string}} Changed */

/** @param {HTMLElement} part */
function keepFresh(part) {
  const fetchRows = refresher(part.dataset.rowsUrl ?? "", (html) => replace(part, html));
  const refresh = () => {
    if (!document.hidden) fetchRows();
  };
  live?.addEventListener("nodes", (event) => {
    const health = /** @type {CustomEvent} */ (event).detail.health;
    drawCounts(health.counts);
    if (say(health.changed)) refresh();
  });
  setInterval(refresh, REFRESH_MS);
  document.addEventListener("visibilitychange", refresh);
}

/** Put fresh content in; who stood on a link of it stands there again. @param {HTMLElement} part @param {string} html */
function replace(part, html) {
  const focused = /** @type {HTMLElement | null} */ (part.contains(document.activeElement) ? document.activeElement : null);
  const template = document.createElement("template");
  template.innerHTML = html;
  part.replaceChildren(template.content);
  const name = focused?.dataset.node;
  if (name) /** @type {HTMLElement | null} */ (part.querySelector(`[data-node="${CSS.escape(name)}"]`))?.focus({ preventScroll: true });
}

/** @param {Record<string, number>} counts */
function drawCounts(counts) {
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-health-count]"))) {
    const state = each.dataset.healthCount ?? "";
    const count = state === "all" ? Object.values(counts).reduce((sum, one) => sum + one, 0) : (counts[state] ?? 0);
    each.textContent = String(count);
    const link = each.closest("a");
    if (link && state !== "all") link.hidden = count === 0 && !link.hasAttribute("aria-current");
  }
}

/** @type {string | null} */
let newest = null;

/** Tell screen readers what changed since the last news; whether anything did. @param {Changed[]} changed */
function say(changed) {
  const seen = newest;
  newest = changed[0]?.since ?? "";
  if (seen === null) return false;
  const fresh = changed.filter((each) => each.since > seen);
  const box = document.getElementById("health-news");
  if (box && fresh.length) box.textContent = fresh.slice(0, 3).map((each) => `${each.name} is ${each.state}.`).join(" ");
  return fresh.length > 0 || newest !== seen;
}

function countOn() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-heard]")) {
    const seconds = secondsSince(time.getAttribute("datetime") ?? "");
    const words = seconds < MINUTE ? `${Math.max(0, Math.floor(seconds))} s ago` : ago(seconds);
    if (time.textContent !== words) time.textContent = words;
  }
}

for (const id of ["nodes", "now"]) {
  const part = document.getElementById(id);
  if (part) keepFresh(part);
}
setInterval(countOn, 1000);
