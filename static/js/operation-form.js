/** The form of an operation: fields that depend on others, lists that grow, one click that launches once. */

import "./host-picker.js";
import { settleFields } from "./dependent-fields.js";
import { sendOnce } from "./once.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector(".operation-form"));

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
  settleFields(form);
  sendOnce(document);
  /** @type {HTMLElement | null} */ (form.querySelector(".is-invalid"))?.focus();
}
