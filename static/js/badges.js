// State badges and icons for scripts: copies of what the server drew into the page's templates.

/** A badge for `state`. @param {string} state @returns {HTMLElement} */
export function badge(state) {
  const drawn = stateTemplate()?.content.querySelector(`[data-state="${CSS.escape(state)}"]`);
  if (drawn) return /** @type {HTMLElement} */ (drawn.cloneNode(true));
  const plain = document.createElement("span");
  plain.className = "state state-muted";
  plain.textContent = state;
  return plain;
}

/** The word for `state`. @param {string} state */
export function word(state) {
  return badge(state).textContent?.trim() ?? state;
}

/** The class that gives the colour of `state`. @param {string} state */
export function tone(state) {
  return [...badge(state).classList].find((name) => name.startsWith("state-")) ?? "state-muted";
}

/** The icon of `state`. @param {string} state */
export function stateIcon(state) {
  return badge(state).querySelector("svg");
}

function stateTemplate() {
  return /** @type {HTMLTemplateElement | null} */ (document.getElementById("state-badges"));
}
