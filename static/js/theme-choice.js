// The theme switch: dark, light, or as the system. A cookie keeps it, so that the server draws the right one.

const YEAR = 365 * 24 * 3600;

/** @param {Document} page */
export function themeChoice(page) {
  const system = matchMedia("(prefers-color-scheme: light)");
  const root = page.documentElement;
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-theme-set]"));

  const draw = () => {
    const choice = root.dataset.themeChoice ?? "system";
    root.dataset.bsTheme = choice === "system" ? (system.matches ? "light" : "dark") : choice;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === choice));
    }
  };

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const choice = button.dataset.themeSet ?? "system";
      root.dataset.themeChoice = choice;
      const age = choice === "system" ? 0 : YEAR;
      page.cookie = `theme=${choice}; path=/; max-age=${age}; samesite=lax`;
      draw();
    });
  }
  system.addEventListener("change", draw);
}
