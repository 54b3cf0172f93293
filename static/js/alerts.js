// Alerts on every page: the newest as notes until they are dismissed, all of them counted at the bell.

import { live } from "./live.js";

const TONES = { info: "running", success: "good", warning: "warn", error: "bad" };

/** @typedef {{id: number, message: string, severity: keyof typeof TONES, sender: string, link: string | null}} Alert */

/** @param {Document} page */
export function showAlerts(page) {
  live?.addEventListener("alerts", (event) => {
    /** @type {Alert[]} */
    const open = /** @type {CustomEvent} */ (event).detail.open;
    count(page, open.length);
    drawNotes(page, open.slice(0, mostNotes(page)));
  });
}

/** On a phone one note leaves room for the page; the page of all alerts needs none. @param {Document} page */
function mostNotes(page) {
  if (page.querySelector(".alert-list")) return 0;
  return window.matchMedia("(max-width: 36rem)").matches ? 1 : 3;
}

/** @param {Document} page @param {number} open */
function count(page, open) {
  const bell = page.getElementById("bell");
  const figure = page.getElementById("bell-count");
  if (!bell || !figure) return;
  figure.textContent = String(open);
  figure.hidden = open === 0;
  bell.setAttribute("aria-label", open ? `Alerts: ${open} open` : "Alerts: none open");
}

/** @param {Document} page @param {Alert[]} alerts */
function drawNotes(page, alerts) {
  const box = page.getElementById("toasts");
  const wanted = new Set(alerts.map((alert) => String(alert.id)));
  for (const note of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-alert]"))) {
    if (!wanted.has(note.dataset.alert ?? "")) note.remove();
  }
  for (const alert of [...alerts].reverse()) {
    if (!page.querySelector(`[data-alert="${alert.id}"]`)) box?.append(note(page, alert));
  }
}

/** @param {Document} page @param {Alert} alert */
function note(page, alert) {
  const made = page.createElement("div");
  made.className = `note note-${TONES[alert.severity]}`;
  made.dataset.alert = String(alert.id);
  const icons = /** @type {HTMLTemplateElement | null} */ (page.getElementById("alert-icons"));
  const picture = icons?.content.querySelector(`[data-severity="${alert.severity}"] svg`)?.cloneNode(true);
  if (picture) made.append(picture);
  const words = page.createElement("span");
  words.textContent = alert.message;
  if (alert.link) {
    const link = page.createElement("a");
    link.href = alert.link;
    link.rel = "noreferrer";
    link.textContent = "Open";
    words.append(" ", link);
  }
  const about = page.createElement("small");
  about.textContent = alert.sender;
  words.append(about);
  const close = page.createElement("button");
  close.type = "button";
  close.className = "btn-close";
  close.setAttribute("aria-label", `Dismiss: ${alert.message}`);
  close.addEventListener("click", () => dismiss(page, alert, made));
  made.append(words, close);
  return made;
}

/** @param {Document} page @param {Alert} alert @param {HTMLElement} drawn */
async function dismiss(page, alert, drawn) {
  const token = /** @type {HTMLMetaElement | null} */ (page.querySelector("meta[name=csrf-token]"))?.content ?? "";
  drawn.hidden = true;
  try {
    const answer = await fetch(`/api/v1/alerts/${alert.id}/dismiss`, { method: "POST", headers: { "X-CSRFToken": token } });
    if (!answer.ok) drawn.hidden = false;
  } catch {
    drawn.hidden = false; // the node is away: it is not dismissed
  }
}
