// The latest deliveries: asked for anew while one of them is on its way.

import { refresher } from "./fragment.js";

const LOOK_MS = 1000;
const rows = /** @type {HTMLElement | null} */ (document.querySelector("[data-poll]"));

/** @param {HTMLElement} shown */
function keepFresh(shown) {
  const refresh = refresher(shown.dataset.poll ?? "", (html) => { shown.innerHTML = html; });
  setInterval(() => {
    if (!document.hidden && shown.querySelector('[data-delivery="due"], [data-delivery="sending"]')) refresh();
  }, LOOK_MS);
}

if (rows) keepFresh(rows);
