/** Forms that one click sends once. */

/** @param {Document} page */
export function sendOnce(page) {
  /** @type {NodeListOf<HTMLFormElement>} */
  const forms = page.querySelectorAll("form[data-once]");
  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    });
  }
  // Coming back with the browser's Back button, the form may be sent again.
  window.addEventListener("pageshow", (event) => {
    for (const form of forms) {
      delete form.dataset.sent;
      const key = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=key]"));
      if (event.persisted && key) key.value = crypto.getRandomValues(new Uint32Array(4)).join("-");
    }
  });
}
