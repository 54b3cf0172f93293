// Hosts × tasks: one cell a result, with icon and letter, filtered to what changed or failed.

import { badge, stateIcon, tone, word } from "./badges.js";
import { duration } from "./times.js";

/** @typedef {import("./run-results.js").RunResults} RunResults */
/** @typedef {import("./run-results.js").Host} Host */

const ROWS_AT_ONCE = 200;
/** @type {[string, string, string[]][]} */
const FILTERS = [["all", "All", []], ["changed", "Changed", ["changed"]], ["bad", "Failed", ["failed", "unreachable"]]];

/** Dispatches `open` with the counter of the result that was chosen. */
export class Matrix extends EventTarget {
  /** @param {HTMLElement} place @param {RunResults} results */
  constructor(place, results) {
    super();
    this.place = place;
    this.results = results;
    this.filter = "all";
    this.text = "";
    this.rows = ROWS_AT_ONCE;
    this.built = false;
    this.tools = make("div", "matrix-tools");
    this.table = make("table", "table matrix");
    this.more = /** @type {HTMLButtonElement} */ (make("button", "btn btn-quiet"));
    this.none = make("p", "text-secondary", "No host matches.");
    place.addEventListener("click", (event) => {
      const cell = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-counter]"));
      if (cell) this.dispatchEvent(new CustomEvent("open", { detail: Number(cell.dataset.counter) }));
    });
  }

  draw() {
    if (!this.results.hosts.size) return;
    if (!this.built) this.build();
    const hosts = this.results.sortedHosts().filter((host) => this.matches(host));
    const tasks = this.results.shownTasks();
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.counter;
    this.table.replaceChildren(head(tasks), this.body(hosts.slice(0, this.rows), tasks));
    if (focused) /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-counter="${focused}"]`))?.focus();
    this.more.hidden = hosts.length <= this.rows;
    this.more.textContent = `Show ${Math.min(ROWS_AT_ONCE, hosts.length - this.rows)} more of ${hosts.length} hosts`;
    this.none.hidden = hosts.length > 0;
    for (const [name, , states] of FILTERS) {
      const button = this.tools.querySelector(`[data-filter="${name}"]`);
      button?.setAttribute("aria-pressed", String(name === this.filter));
      const count = states.length ? this.results.sortedHosts().filter((host) => touches(host, states)).length : this.results.hosts.size;
      const shown = button?.querySelector(".figure");
      if (shown) shown.textContent = String(count);
    }
  }

  build() {
    this.built = true;
    const group = make("div", "segmented");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Which hosts to show");
    for (const [name, title] of FILTERS) {
      const button = /** @type {HTMLButtonElement} */ (make("button", "btn btn-quiet btn-sm", `${title} `));
      button.type = "button";
      button.dataset.filter = name;
      button.append(make("span", "figure"));
      button.addEventListener("click", () => {
        this.filter = name;
        this.rows = ROWS_AT_ONCE;
        this.draw();
      });
      group.append(button);
    }
    const field = /** @type {HTMLInputElement} */ (make("input", "form-control form-control-sm"));
    field.type = "search";
    field.placeholder = "Host…";
    field.setAttribute("aria-label", "Filter hosts by name");
    field.addEventListener("input", () => {
      this.text = field.value.trim().toLowerCase();
      this.draw();
    });
    this.tools.append(group, field);
    const scroll = make("div", "table-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Hosts and tasks");
    scroll.append(this.table);
    this.more.type = "button";
    this.more.addEventListener("click", () => {
      this.rows += ROWS_AT_ONCE;
      this.draw();
    });
    this.place.replaceChildren(this.tools, scroll, this.none, this.more);
  }

  /** @param {Host} host */
  matches(host) {
    const states = FILTERS.find(([name]) => name === this.filter)?.[2] ?? [];
    return (!states.length || touches(host, states)) && host.name.toLowerCase().includes(this.text);
  }

  /** @param {Host[]} hosts @param {{id: string, name: string}[]} tasks */
  body(hosts, tasks) {
    const body = make("tbody");
    for (const host of hosts) {
      const row = make("tr");
      const name = make("th", "matrix-host", host.name);
      name.setAttribute("scope", "row");
      const state = make("td");
      state.append(badge(host.state));
      row.append(name, state);
      for (const task of tasks) row.append(this.cell(host, task));
      body.append(row);
    }
    return body;
  }

  /** @param {Host} host @param {{id: string, name: string}} task */
  cell(host, task) {
    const cell = make("td", "matrix-cell");
    const result = this.results.at(host.name, task.id);
    if (!result) {
      cell.append(make("span", "cell-none", "·"));
      return cell;
    }
    const button = /** @type {HTMLButtonElement} */ (make("button", `cell ${tone(result.status)}`));
    button.type = "button";
    button.dataset.counter = String(result.counter);
    const took = result.seconds === null ? "" : duration(result.seconds);
    button.title = `${task.name} on ${host.name}: ${word(result.status)}${took ? `, ${took}` : ""}`;
    button.setAttribute("aria-label", button.title);
    const drawn = stateIcon(result.status);
    if (drawn) button.append(drawn);
    button.append(make("span", "cell-word", took || word(result.status)));
    cell.append(button);
    return cell;
  }
}

/** @param {Host} host @param {string[]} states */
function touches(host, states) {
  return states.some((state) => /** @type {Record<string, any>} */ (host)[state] > 0);
}

/** @param {{id: string, name: string}[]} tasks */
function head(tasks) {
  const row = make("tr");
  for (const title of ["Host", "State", ...tasks.map((task) => task.name)]) {
    const cell = make("th", "", title);
    cell.setAttribute("scope", "col");
    row.append(cell);
  }
  const part = make("thead");
  part.append(row);
  return part;
}

/** @param {string} name @param {string} classes @param {string} text */
function make(name, classes = "", text = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}
