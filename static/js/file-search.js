// Finds files while one types; the node searches, so ten thousand files stay quick. Arrow keys walk the list.

const PAUSE_MS = 120;

const form = /** @type {HTMLFormElement | null} */ (document.querySelector(".file-search"));
const list = /** @type {HTMLElement | null} */ (document.getElementById("found"));

if (form && list) {
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
  const count = document.getElementById("found-count");
  const none = document.getElementById("found-none");
  /** @type {AbortController | null} */
  let asked = null;
  let timer = 0;

  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const address = `${location.pathname}?${new URLSearchParams(/** @type {any} */ (new FormData(form)))}`;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: asked.signal });
      if (!answer.ok) throw new Error(`the node answered ${answer.status}`);
      show(await answer.json());
      history.replaceState(null, "", address);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      if (count) count.textContent = "The search cannot be reached at the moment.";
    }
  };

  /** @param {{total: number, files: {path: string, url: string}[]}} found */
  const show = (found) => {
    list.replaceChildren(...found.files.map(item));
    if (count) count.textContent = `${found.files.length} of ${found.total} files`;
    none?.toggleAttribute("hidden", found.files.length > 0);
  };

  const links = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("a")]);

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") links()[0]?.focus();
    else return;
    event.preventDefault();
  });
  list.addEventListener("keydown", (event) => {
    const all = links();
    const here = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.key === "ArrowDown") all[here + 1]?.focus();
    else if (event.key === "ArrowUp") (all[here - 1] ?? input).focus();
    else return;
    event.preventDefault();
  });
  form.querySelector("[data-goes]")?.addEventListener("change", () => form.requestSubmit());
}

/** @param {{path: string, url: string}} found */
function item(found) {
  const made = document.createElement("li");
  const link = document.createElement("a");
  link.href = found.url;
  link.textContent = found.path;
  made.append(link);
  return made;
}
