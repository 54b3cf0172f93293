/** The Commands page: examples fill the field, one click launches once. */

import "./host-picker.js";

const command = /** @type {HTMLTextAreaElement} */ (document.getElementById("command"));

for (const button of document.querySelectorAll("[data-command]")) {
  button.addEventListener("click", () => {
    command.value = button.dataset.command;
    command.focus();
  });
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}

// Coming back with the browser's Back button, the form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});
