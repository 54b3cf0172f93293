// The menus of the navigation: one open at a time, closed by Escape and by a click elsewhere.

/** @param {Document} page */
export function closeMenus(page) {
  const open = () => /** @type {HTMLDetailsElement[]} */ ([...page.querySelectorAll("details.nav-group[open]")]);
  page.addEventListener("click", (event) => {
    for (const each of open()) if (!each.contains(/** @type {Node} */ (event.target))) each.open = false;
  });
  page.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const each of open()) {
      each.open = false;
      each.querySelector("summary")?.focus();
    }
  });
}
