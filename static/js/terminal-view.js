// Draws the lines of an output that are on screen, and only those, whatever their number.
//
// The scroll bar stands for the whole output. A browser cannot make an element taller than some
// 17 to 33 million pixels, so beyond MOST_PIXELS the bar is a proportion: `top`, the line at the upper
// edge (with its fraction), is the truth, and the bar's position follows from it or gives it.

import { textOf } from "./line-store.js";

/** @typedef {import("./line-store.js").LineStore} LineStore */
/** @typedef {import("./line-store.js").Line} Line */

export const LINE_PIXELS = 20;
const MOST_PIXELS = 16_000_000;

/** Dispatches `moved` when the person has scrolled, its detail {end: whether at the end}. */
export class TerminalView extends EventTarget {
  /** @param {HTMLElement} view @param {LineStore} store */
  constructor(view, store) {
    super();
    this.view = view;
    this.store = store;
    this.space = element("div", "term-space");
    this.block = element("div", "term-block");
    this.rows = element("div", "term-rows");
    this.block.append(this.rows);
    this.space.append(this.block);
    view.append(this.space);
    this.top = 0;
    this.follow = false;
    this.wrap = false;
    this.endShown = false;
    this.needle = "";
    this.here = -1;
    this.expected = 0;
    this.frame = 0;
    /** @type {Map<number, {row: HTMLElement, line: Line | undefined}>} */
    this.drawn = new Map();
    view.addEventListener("scroll", () => this.scrolled(), { passive: true });
    view.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    new ResizeObserver(() => this.later()).observe(view);
    store.addEventListener("lines", () => this.later());
  }

  get visible() {
    return Math.max(1, this.view.clientHeight / LINE_PIXELS);
  }

  get height() {
    return Math.min(this.store.total * LINE_PIXELS, MOST_PIXELS);
  }

  get range() {
    return Math.max(0, this.height - this.view.clientHeight);
  }

  get lastTop() {
    return Math.max(0, this.wrap ? this.store.total - 1 : this.store.total - this.visible);
  }

  /** Whether a pixel of the bar is a pixel of the text. */
  get exact() {
    return !this.wrap && this.height < MOST_PIXELS;
  }

  /** Draw before the next frame. */
  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** Draw everything anew, because lines look different now. */
  again() {
    this.drawn.clear();
    this.rows.replaceChildren();
    this.later();
  }

  /** @param {number} line to bring into the upper third */
  goTo(line) {
    this.top = line - Math.floor(this.visible / 3);
    this.here = line;
    this.again();
  }

  /** @param {number} lines */
  moveBy(lines) {
    this.top = clamp(this.top + lines, 0, this.lastTop);
    this.draw();
    this.tell();
  }

  /** @param {number} line */
  moveTo(line) {
    this.top = clamp(line, 0, this.lastTop);
    this.draw();
    this.tell();
  }

  tell() {
    this.dispatchEvent(new CustomEvent("moved", { detail: { end: this.atEnd } }));
  }

  get atEnd() {
    return this.top >= this.lastTop - 0.5 || (this.wrap && this.endShown);
  }

  scrolled() {
    const at = this.view.scrollTop;
    if (Math.abs(at - this.expected) <= 1) return;
    this.expected = at;
    this.top = this.range ? (at / this.range) * this.lastTop : 0;
    this.later();
    this.tell();
  }

  /** @param {WheelEvent} event */
  wheeled(event) {
    if (this.exact || event.ctrlKey || event.shiftKey || !event.deltaY) return;
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 1 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? this.visible : 1 / LINE_PIXELS;
    this.moveBy(event.deltaY * unit);
  }

  draw() {
    const total = this.store.total;
    this.space.style.height = `${this.height}px`;
    this.block.style.height = `${Math.min(this.view.clientHeight, this.height)}px`;
    this.view.style.setProperty("--term-digits", `${Math.max(3, String(total).length)}ch`);
    this.top = this.follow ? this.lastTop : clamp(this.top, 0, this.lastTop);
    const first = Math.floor(this.top);
    const count = Math.ceil(this.visible) + 1;
    const nearEnd = this.wrap && first + count >= total;
    const from = nearEnd ? Math.max(0, first - count) : first;
    const last = Math.min(total - 1, first + count - 1);
    this.store.want(from, last);
    this.place(from, last);
    this.rows.style.transform = `translateY(${this.offset(from, first, last)}px)`;
    this.bar();
  }

  /** Where the rows begin, seen from the upper edge. @param {number} from @param {number} first @param {number} last */
  offset(from, first, last) {
    const part = this.top - first;
    this.endShown = false;
    if (!this.wrap) return -part * LINE_PIXELS;
    const heights = [...this.rows.children].map((row) => /** @type {HTMLElement} */ (row).offsetHeight);
    const before = sum(heights.slice(0, first - from));
    let offset = -before - part * (heights[first - from] ?? LINE_PIXELS);
    const missing = this.view.clientHeight - (offset + sum(heights));
    if (last < this.store.total - 1 || missing < 0) return offset;
    this.endShown = true;
    offset = Math.min(0, offset + missing);
    let above = -offset;
    let index = 0;
    while (index < heights.length - 1 && above >= heights[index]) above -= heights[index++];
    this.top = from + index + (heights[index] ? above / heights[index] : 0);
    return offset;
  }

  /** Put the bar where the text is. */
  bar() {
    const wanted = this.atEnd ? this.range : this.lastTop ? (this.top / this.lastTop) * this.range : 0;
    if (Math.abs(this.view.scrollTop - wanted) > 1) this.view.scrollTop = wanted;
    this.expected = this.view.scrollTop;
  }

  /** Have exactly the rows `from` to `last` in the page; rows that stay are not touched, for selections.
   * @param {number} from @param {number} last */
  place(from, last) {
    for (const [number, { row }] of this.drawn) {
      if (number < from || number > last) {
        row.remove();
        this.drawn.delete(number);
      }
    }
    /** @type {ChildNode | null} */
    let next = this.rows.firstChild;
    for (let number = from; number <= last; number += 1) {
      const line = this.store.get(number);
      const known = this.drawn.get(number);
      if (known && known.line === line) {
        next = known.row.nextSibling;
        continue;
      }
      const row = this.row(number, line);
      if (known) {
        next = known.row.nextSibling;
        known.row.replaceWith(row);
      } else this.rows.insertBefore(row, next);
      this.drawn.set(number, { row, line });
    }
  }

  /** @param {number} number @param {Line | undefined} line */
  row(number, line) {
    const row = element("div", "term-line");
    row.dataset.no = String(number + 1);
    if (number === this.here) row.classList.add("term-here");
    if (!line) {
      row.classList.add("term-missing");
      return row;
    }
    for (const [text, names, found] of marked(line, this.needle)) {
      const part = document.createElement(found ? "mark" : "span");
      part.className = names;
      part.textContent = text;
      row.append(part);
    }
    if (line.cut) {
      const more = element("span", "term-cut");
      more.textContent = " … this line is longer; the download has all of it";
      row.append(more);
    }
    return row;
  }

  /** The text of what is on screen. */
  shownText() {
    const numbers = [...this.drawn.keys()].sort((a, b) => a - b);
    return numbers.map((number) => this.store.get(number)).filter((line) => line !== undefined).map((line) => textOf(/** @type {Line} */ (line))).join("\n");
  }
}

/** The segments of a line, cut where `needle` begins and ends.
 * @param {Line} line @param {string} needle @returns {[string, string, boolean][]} */
function marked(line, needle) {
  if (!needle) return line.segments.map(([text, names]) => [text, names, false]);
  const whole = textOf(line).toLowerCase();
  const wanted = needle.toLowerCase();
  /** @type {[number, number][]} */
  const places = [];
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) places.push([at, at + wanted.length]);
  /** @type {[string, string, boolean][]} */
  const parts = [];
  let begin = 0;
  for (const [text, names] of line.segments) {
    const end = begin + text.length;
    let at = begin;
    for (const [start, stop] of places) {
      if (stop <= at || start >= end) continue;
      if (start > at) parts.push([text.slice(at - begin, start - begin), names, false]);
      parts.push([text.slice(Math.max(start, at) - begin, Math.min(stop, end) - begin), names, true]);
      at = Math.min(stop, end);
    }
    if (at < end) parts.push([text.slice(at - begin), names, false]);
    begin = end;
  }
  return parts;
}

/** @param {string} name @param {string} classes */
function element(name, classes) {
  const made = document.createElement(name);
  made.className = classes;
  return made;
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
