// A token that is shown once: copied with one click.

import { copy } from "./clipboard.js";

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => {
    const shown = document.querySelector(button.getAttribute("data-copy") ?? "");
    copy(shown?.textContent ?? "", "Token");
  });
}
