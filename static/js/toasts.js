// Short messages on the outcome of what the person just did.

const STAY_MS = 8000;

/** Let the messages that came with the page be dismissed; those of success leave by themselves.
 * @param {Document} page */
export function dismissable(page) {
  for (const note of page.querySelectorAll("[data-note]")) settle(/** @type {HTMLElement} */ (note));
}

/** Say something; screen readers read it out.
 * @param {string} text
 * @param {"good" | "bad" | "warn" | "running"} tone */
export function toast(text, tone = "good") {
  const note = document.createElement("div");
  note.className = `note note-${tone}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn-close";
  close.setAttribute("aria-label", "Dismiss");
  note.append(words, close);
  document.getElementById("toasts")?.append(note);
  settle(note);
}

/** @param {HTMLElement} note */
function settle(note) {
  note.querySelector(".btn-close")?.addEventListener("click", () => note.remove());
  const stays = note.classList.contains("note-bad") || note.classList.contains("note-warn");
  if (stays) return;
  let timer = setTimeout(() => note.remove(), STAY_MS);
  const wait = () => clearTimeout(timer);
  const go = () => { timer = setTimeout(() => note.remove(), STAY_MS); };
  note.addEventListener("mouseenter", wait);
  note.addEventListener("focusin", wait);
  note.addEventListener("mouseleave", go);
  note.addEventListener("focusout", go);
}
