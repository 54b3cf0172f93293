// Ctrl+K: jump to any page, host or run.

const WAIT_MS = 120;

/** @typedef {{title: string, kind: string, url: string}} Found */

/** @param {Document} page */
export function palette(page) {
  const dialog = /** @type {HTMLDialogElement | null} */ (page.getElementById("palette"));
  if (!dialog) return;
  const input = /** @type {HTMLInputElement} */ (page.getElementById("palette-input"));
  const list = /** @type {HTMLElement} */ (page.getElementById("palette-results"));
  const hint = /** @type {HTMLElement} */ (page.getElementById("palette-hint"));
  /** @type {AbortController | null} */
  let asked = null;
  let timer = 0;

  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    ask();
  };

  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const url = `${input.dataset.url}?q=${encodeURIComponent(input.value.trim())}`;
      const answer = await fetch(url, { headers: { Accept: "application/json" }, signal: asked.signal });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      show(await answer.json());
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      list.replaceChildren();
      hint.textContent = "The search cannot be reached at the moment.";
    }
  };

  /** @param {Found[]} found */
  const show = (found) => {
    list.replaceChildren(...found.map(option));
    choose(0);
    hint.textContent = found.length ? "" : `Nothing here is called “${input.value.trim()}”.`;
  };

  /** @param {number} position */
  const choose = (position) => {
    const options = [...list.children];
    options.forEach((each, index) => each.setAttribute("aria-selected", String(index === position)));
    const chosen = options[position];
    chosen?.scrollIntoView({ block: "nearest" });
    if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const chosen = () => [...list.children].findIndex((each) => each.getAttribute("aria-selected") === "true");

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    const count = list.children.length;
    if (event.key === "ArrowDown" && count) choose((chosen() + 1) % count);
    else if (event.key === "ArrowUp" && count) choose((chosen() - 1 + count) % count);
    else if (event.key === "Enter") go(list.children[chosen()]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => go(/** @type {Element} */ (event.target).closest("li")));

  page.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  const form = page.querySelector("[data-palette-open]");
  form?.addEventListener("submit", (event) => { event.preventDefault(); open(); });
  form?.querySelector("input")?.addEventListener("click", open);
  form?.querySelector("input")?.addEventListener("keydown", (event) => {
    const key = /** @type {KeyboardEvent} */ (event);
    if (key.key.length !== 1 || key.ctrlKey || key.metaKey || key.altKey) return;
    key.preventDefault();
    input.value = key.key;
    open();
    input.setSelectionRange(1, 1);
  });
}

/** @param {Element | null | undefined} option */
function go(option) {
  const url = /** @type {HTMLElement | null} */ (option)?.dataset.url;
  if (url) location.assign(url);
}

/** @param {Found} found @param {number} index */
function option(found, index) {
  const item = document.createElement("li");
  item.id = `palette-option-${index}`;
  item.setAttribute("role", "option");
  item.dataset.url = found.url;
  for (const [name, text] of [["title", found.title], ["kind", found.kind]]) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = text;
    item.append(part);
  }
  return item;
}
