/** Fields of a form that depend on the value of another: shown only for some, or with choices of their own. */

/** @param {HTMLFormElement} form */
export function settleFields(form) {
  const settle = () => settleOnce(form);
  form.addEventListener("input", settle);
  form.addEventListener("change", settle);
  settle();
}

/** The value that decides: of a switch, "true" or "false". @param {HTMLFormElement} form @param {string} name */
function valueOf(form, name) {
  const inputs = [...form.elements].filter((each) => /** @type {HTMLInputElement} */ (each).name === name);
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

/** @param {HTMLFormElement} form @param {HTMLElement} field */
function offer(form, field) {
  const parent = valueOf(form, field.dataset.choicesBy ?? "");
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

/** @param {HTMLFormElement} form */
function settleOnce(form) {
  // A field may depend on one that itself is hidden: those come first in the page or are settled by the next round.
  for (let round = 0; round < 3; round += 1) {
    for (const field of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-shown-by]"))) {
      const value = valueOf(form, field.dataset.shownBy ?? "");
      show(field, value !== null && JSON.parse(field.dataset.shownFor ?? "[]").includes(value));
    }
    for (const field of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-choices-by]"))) {
      if (!field.hidden) offer(form, field);
    }
  }
}
