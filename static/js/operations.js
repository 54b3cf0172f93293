/** The catalogue: narrows it while one types; the form does the same without this. */

const input = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-filter]"));
const none = document.getElementById("no-operation");

function narrow() {
  const wanted = (input?.value ?? "").trim().toLowerCase();
  let shown = 0;
  for (const group of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-filter-group]"))) {
    let inGroup = 0;
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (group.querySelectorAll("[data-filter-words]"))) {
      each.hidden = !(each.dataset.filterWords ?? "").includes(wanted);
      if (!each.hidden) inGroup += 1;
    }
    group.hidden = inGroup === 0;
    shown += inGroup;
  }
  if (none) none.hidden = shown > 0;
}

input?.addEventListener("input", narrow);
