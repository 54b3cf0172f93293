// Opens and closes <dialog>s for browsers that do not know `commandfor` yet; checks names typed to confirm.

/** @param {Document} page */
export function openDialogs(page) {
  const known = "command" in HTMLButtonElement.prototype;
  page.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const opener = /** @type {HTMLElement | null} */ (target.closest("[data-dialog]"));
    if (opener && !known) dialogOf(page, opener.dataset.dialog)?.showModal();
    if (target.closest("[data-dialog-close]") && !known) target.closest("dialog")?.close();
    if (target instanceof HTMLDialogElement && isOutside(target, event)) target.close();
  });
  for (const each of page.querySelectorAll("[data-must-equal]")) {
    const input = /** @type {HTMLInputElement} */ (each);
    const check = () => {
      const same = input.value === input.dataset.mustEqual;
      input.setCustomValidity(same ? "" : `Type ${input.dataset.mustEqual} to go on.`);
    };
    input.addEventListener("input", check);
    check();
  }
}

/** @param {Document} page @param {string | undefined} id */
function dialogOf(page, id) {
  return /** @type {HTMLDialogElement | null} */ (page.getElementById(id ?? ""));
}

/** @param {HTMLDialogElement} dialog @param {MouseEvent} event */
function isOutside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return (x || y) && (x < box.left || x > box.right || y < box.top || y > box.bottom);
}
