// Times and durations in words, as the server says them (selfservice/web/units.py), kept fresh.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

/** `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`, `2 d 3 h`.
 * @param {number | null} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const value = Math.max(0, seconds);
  if (value < 9.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return two(whole, MINUTE, "min", 1, "s");
  if (whole < DAY) return two(whole, HOUR, "h", MINUTE, "min");
  return two(whole, DAY, "d", HOUR, "h");
}

/** @param {number} whole @param {number} large @param {string} largeUnit @param {number} small @param {string} smallUnit */
function two(whole, large, largeUnit, small, smallUnit) {
  const second = Math.floor((whole % large) / small);
  const first = `${Math.floor(whole / large)} ${largeUnit}`;
  return second ? `${first} ${second} ${smallUnit}` : first;
}

/** @param {number} seconds since then */
export function ago(seconds) {
  if (seconds < 10) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} d ago`;
}

/** `512 B`, `1.5 KiB`, `20 MiB`.
 * @param {number} size */
export function binarySize(size) {
  if (size < 1024) return `${size} B`;
  const power = Math.min(Math.floor(Math.log2(size) / 10), 5);
  const value = size / 1024 ** power;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${["", "KiB", "MiB", "GiB", "TiB", "PiB"][power]}`;
}

/** Seconds since `iso` by the server's clock, whatever this machine's clock says.
 * @param {string} iso */
export function secondsSince(iso) {
  return (Date.now() + serverAhead() - Date.parse(iso)) / 1000;
}

/** Keep the elapsed times of what goes on within `place` true. @param {HTMLElement} place */
export function keepElapsedFresh(place) {
  const draw = () => {
    for (const each of place.querySelectorAll("[data-elapsed-since]")) {
      each.textContent = duration(secondsSince(each.getAttribute("data-elapsed-since") ?? ""));
    }
  };
  document.addEventListener("visibilitychange", draw);
  setInterval(draw, 500);
}

/** @type {number | null} */
let ahead = null;

/** How many milliseconds the server's clock is ahead of this one, to within the time a page takes to load. */
function serverAhead() {
  if (ahead === null) {
    const clock = document.querySelector("[data-server-clock]");
    const visit = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
    const loaded = performance.timeOrigin + (visit?.responseStart ?? 0);
    const said = Date.parse(clock?.getAttribute("datetime") ?? "");
    ahead = Number.isNaN(said) ? 0 : said - loaded;
    if (Math.abs(ahead) < 1000) ahead = 0;
  }
  return ahead;
}

/** Keep every relative time and the server's clock of `page` true.
 * @param {Document} page */
export function keepTimesFresh(page) {
  const clock = page.querySelector("[data-server-clock]");
  const shown = clock?.textContent ?? "";
  const zoned = Date.parse(`${shown.replace(" ", "T")}:00Z`) - Math.floor(Date.parse(clock?.getAttribute("datetime") ?? "") / 60000) * 60000;
  const draw = () => {
    if (page.hidden) return;
    for (const time of page.querySelectorAll("time[data-relative]")) {
      const seconds = secondsSince(time.getAttribute("datetime") ?? "");
      if (seconds < 14 * DAY) time.textContent = ago(seconds);
    }
    if (clock && !Number.isNaN(zoned)) {
      clock.textContent = new Date(Date.now() + serverAhead() + zoned).toISOString().slice(0, 16).replace("T", " ");
    }
  };
  serverAhead();
  setInterval(draw, 10_000);
  page.addEventListener("visibilitychange", draw);
}
