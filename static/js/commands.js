/** The Commands page: examples fill the field, one click launches once. */

import "./host-picker.js";
import { sendOnce } from "./once.js";

const command = /** @type {HTMLTextAreaElement} */ (document.getElementById("command"));

// As links they also work before this script does; here they keep the hosts that were chosen.
for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-command]"))) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    command.value = link.dataset.command ?? "";
    command.focus();
  });
}

sendOnce(document);
