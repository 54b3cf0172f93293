/** The form of an operation: fields that depend on others, lists that grow, one click that launches once. */

import "./host-picker.js";
import { sendOnce } from "./once.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector(".operation-form"));

/** The value that decides: of a switch, "true" or "false". @param {string} name */
function valueOf(name) {
  const inputs = [...(form?.elements ?? [])].filter((each) => /** @type {HTMLInputElement} */ (each).name === name);
  const last = /** @type {HTMLInputElement | undefined} */ (inputs.at(-1));
  if (!last || last.disabled) return null;
  return last.type === "checkbox" ? String(last.checked) : last.value;
}

/** Hidden fields are disabled, too, so that they are not sent. @param {HTMLElement} field @param {boolean} shown */
function show(field, shown) {
  field.hidden = !shown;
  for (const each of /** @type {NodeListOf<HTMLInputElement>} */ (field.querySelectorAll("input, select, textarea"))) {
    each.disabled = !shown;
  }
}

/** @param {HTMLElement} field */
function offer(field) {
  const parent = valueOf(field.dataset.choicesBy ?? "");
  let offered = 0;
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (field.querySelectorAll("[data-only-for]"))) {
    const fits = each.dataset.onlyFor === parent;
    each.hidden = !fits;
    if (each instanceof HTMLOptGroupElement) each.disabled = !fits;
    const check = /** @type {HTMLInputElement | null} */ (each.querySelector("input[type=checkbox]"));
    if (check) check.disabled = !fits;
    if (fits) offered += 1;
  }
  const select = field.querySelector("select");
  if (select?.selectedOptions[0]?.closest("optgroup")?.disabled) select.value = "";
  if (select) select.disabled = offered === 0;
}

function settle() {
  // A field may depend on one that itself is hidden: those come first in the page or are settled by the next round.
  for (let round = 0; round < 3; round += 1) {
    for (const field of /** @type {NodeListOf<HTMLElement>} */ (form?.querySelectorAll("[data-shown-by]") ?? [])) {
      const value = valueOf(field.dataset.shownBy ?? "");
      show(field, value !== null && JSON.parse(field.dataset.shownFor ?? "[]").includes(value));
    }
    for (const field of /** @type {NodeListOf<HTMLElement>} */ (form?.querySelectorAll("[data-choices-by]") ?? [])) {
      if (!field.hidden) offer(field);
    }
  }
}

/** A list of mappings grows by a copy of its empty last item. @param {HTMLElement} list */
function growable(list) {
  const add = document.createElement("button");
  add.type = "button";
  add.className = "btn btn-quiet btn-sm";
  add.textContent = "Add another";
  add.addEventListener("click", () => {
    const items = list.querySelectorAll(":scope > [data-item]");
    const spare = /** @type {HTMLElement} */ (items[items.length - 1]);
    const fresh = /** @type {HTMLElement} */ (spare.cloneNode(true));
    renumber(fresh, list.dataset.items ?? "", items.length - 1, items.length);
    for (const each of /** @type {NodeListOf<HTMLInputElement>} */ (fresh.querySelectorAll("input, textarea"))) {
      if (each.type !== "checkbox" && each.type !== "hidden") each.value = "";
    }
    add.before(fresh);
    /** @type {HTMLElement | null} */ (fresh.querySelector("input:not([type=hidden]), select, textarea"))?.focus();
  });
  list.append(add);
}

/** @param {HTMLElement} item @param {string} name @param {number} before @param {number} after */
function renumber(item, name, before, after) {
  const dashed = name.replaceAll(".", "-");
  const old = [`${name}.${before}.`, `${dashed}-${before}-`];
  const fresh = [`${name}.${after}.`, `${dashed}-${after}-`];
  for (const each of [item, ...item.querySelectorAll("*")]) {
    for (const attribute of each.attributes) {
      old.forEach((part, number) => {
        if (attribute.value.startsWith(part)) attribute.value = fresh[number] + attribute.value.slice(part.length);
      });
    }
  }
}

if (form) {
  for (const list of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-items]"))) growable(list);
  form.addEventListener("input", settle);
  form.addEventListener("change", settle);
  settle();
  sendOnce(document);
  /** @type {HTMLElement | null} */ (form.querySelector(".is-invalid"))?.focus();
}
