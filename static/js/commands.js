/** The Commands page: examples fill the field, one click launches once. */

import "./host-picker.js";

const command = /** @type {HTMLTextAreaElement} */ (document.getElementById("command"));

// As links they also work before this script does; here they keep the hosts that were chosen.
for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-command]"))) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    command.value = link.dataset.command ?? "";
    command.focus();
  });
}

/** @type {NodeListOf<HTMLFormElement>} */
const onceForms = document.querySelectorAll("form[data-once]");

for (const form of onceForms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}

// Coming back with the browser's Back button, the form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of onceForms) delete form.dataset.sent;
});
