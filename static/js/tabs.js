// Bootstrap's tabs, remembered in the address, so that a view can be shared and reloaded.

/** @param {ParentNode} root @param {(id: string) => void} shown is told the id of each tab that is opened */
export function rememberTab(root, shown) {
  for (const tab of root.querySelectorAll("[data-bs-toggle='tab']")) {
    tab.addEventListener("shown.bs.tab", () => {
      const id = (/** @type {HTMLElement} */ (tab).dataset.bsTarget ?? "").slice(1);
      history.replaceState(null, "", id === "output" ? location.pathname + location.search : `#${id}`);
      shown(id);
    });
  }
  const open = () => /** @type {HTMLElement | null} */ (document.getElementById(`tab-${location.hash.slice(1)}`))?.click();
  if (location.hash) open();
  window.addEventListener("hashchange", open);
}
