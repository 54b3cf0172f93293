// Sets the theme before anything is drawn, where the person has not chosen one: the only script that
// is not a module, because a module would run after the first paint and the page would flash.
(() => {
  const root = document.documentElement;
  if (root.dataset.themeChoice === "system" && matchMedia("(prefers-color-scheme: light)").matches) {
    root.dataset.bsTheme = "light";
  }
})();
