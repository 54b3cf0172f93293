/** The forms of schedules and blackouts: only the fields that count, and the next times while one types. */

import "./host-picker.js";
import { settleFields } from "./dependent-fields.js";

const PAUSE_MS = 200;

const form = /** @type {HTMLFormElement | null} */ (document.querySelector(".operation-form"));
const list = document.getElementById("next-times");

/** What the form says of when. @param {HTMLFormElement} from */
function timing(from) {
  const data = new FormData(from);
  const text = (/** @type {string} */ name) => String(data.get(name) ?? "");
  return {
    every: text("every"),
    zone: text("zone"),
    at: text("at") || "00:00",
    days: data.getAll("days").map(Number),
    day: text("day") || "1",
    cron: text("cron"),
  };
}

/** @param {HTMLFormElement} from */
async function preview(from) {
  const asked = timing(from);
  const answer = await fetch(from.dataset.preview ?? "", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": String(new FormData(from).get("csrf_token")) },
    body: JSON.stringify(asked),
  });
  const said = await answer.json();
  if (JSON.stringify(timing(from)) !== JSON.stringify(asked)) return; // typed on meanwhile: the next answer counts
  const lines = answer.ok ? said.times.map((/** @type {string} */ time) => inZone(time, asked.zone)) : [said.detail];
  say(lines);
}

/** @param {string[]} lines */
function say(lines) {
  list?.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
}

/** As the server says it: Mon 2026-11-23 02:00 CET. @param {string} time @param {string} zone */
function inZone(time, zone) {
  const options = /** @type {const} */ ({ timeZone: zone, weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", options).formatToParts(new Date(time)).map((part) => [part.type, part.value]));
  return `${parts.weekday} ${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute} ${parts.timeZoneName}`;
}

if (form) {
  settleFields(form);
  if (list) {
    let timer = 0;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => preview(form).catch(() => say(["The node does not answer."])), PAUSE_MS);
    });
  }
  /** @type {HTMLElement | null} */ (form.querySelector(".is-invalid"))?.focus();
}
