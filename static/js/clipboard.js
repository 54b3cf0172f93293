// Copying text, also where the page came over plain HTTP and the browser keeps its clipboard closed.

import { toast } from "./toasts.js";

/** @param {string} text @param {string} what it is, for the message */
export async function copy(text, what) {
  const done = await written(text);
  if (done) toast(`${what} copied.`);
  else toast("The browser does not let this page copy. Select the text and press Ctrl+C.", "bad");
}

/** @param {string} text */
async function written(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed: the older way may be.
    }
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

/** Make every `data-copy="<id>"` button copy that element's text.
 * @param {ParentNode} page */
export function copyButtons(page) {
  for (const button of page.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => {
      const id = /** @type {HTMLElement} */ (button).dataset.copy ?? "";
      copy(document.getElementById(id)?.textContent ?? "", "Command line");
    });
  }
}
