// The grid of access: a choice is saved at once, and told where somebody else was faster.

import { toast } from "./toasts.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-access-grid]"));
const token = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="csrf-token"]')).content;

if (form) {
  const said = /** @type {HTMLElement} */ (form.querySelector(".access-said"));
  form.querySelector("[data-save]")?.remove();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) save(event.target, said);
  });
}

/** @param {HTMLSelectElement} cell
 * @param {HTMLElement} said */
async function save(cell, said) {
  const { kind, name, project, level } = cell.dataset;
  const wanted = cell.value;
  cell.disabled = true;
  try {
    const answer = await fetch(`/api/v1/projects/${project}/access`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ kind, name, level: wanted, seen: level }),
    });
    const value = await answer.json();
    if (answer.ok) {
      cell.dataset.level = value.level;
      cell.classList.add("is-saved");
      tell(said, `${name}: ${value.level} on ${project}, saved.`, false);
    } else {
      // What it is now, where the answer says so; else what it was when this page was made.
      cell.dataset.level = value.now ?? level;
      cell.value = cell.dataset.level ?? "none";
      tell(said, value.detail ?? "It could not be saved.", true);
      toast(value.detail ?? "It could not be saved.", "bad");
    }
  } catch {
    cell.value = level ?? "none";
    tell(said, "The dashboard does not answer; nothing was changed.", true);
    toast("The dashboard does not answer; nothing was changed.", "bad");
  }
  cell.disabled = false;
  cell.focus();
}

/** @param {HTMLElement} said
 * @param {string} text
 * @param {boolean} bad */
function tell(said, text, bad) {
  said.textContent = text;
  said.classList.toggle("is-bad", bad);
}
