// The lines of an output that are at hand: asks the server for what is missing, keeps a bounded number.

/** @typedef {{segments: [string, string][], cut: boolean}} Line */
/** @typedef {{first: number, last: number, control: AbortController}} Asked */

const MOST_AT_ONCE = 500;
const MOST_KEPT = 20_000;
const AROUND = 60;
const PAUSE_MS = 40;

/** Dispatches `lines` when lines have come, `trouble` with a sentence when they have not. */
export class LineStore extends EventTarget {
  /** @param {string} url of the run in the API */
  constructor(url) {
    super();
    this.url = url;
    /** @type {Map<number, Line>} */
    this.lines = new Map();
    /** Lines that are shown but may have gone on since. @type {Set<number>} */
    this.stale = new Set();
    this.total = 0;
    this.size = 0;
    this.ended = false;
    /** @type {Asked | null} */
    this.asked = null;
    this.timer = 0;
    this.askedAt = 0;
  }

  /** @param {number} number @returns {Line | undefined} */
  get(number) {
    return this.lines.get(number);
  }

  /** @param {number} number */
  has(number) {
    return this.lines.has(number) && !this.stale.has(number);
  }

  /** The output has grown: the last line known may go on now, unless the fresh lines begin behind it.
   * @param {number} total @param {number} size @param {number} [start] of the fresh lines @param {Line[]} [lines] */
  grow(total, size, start, lines = []) {
    if (size > this.size && this.total > 0 && start !== this.total) this.stale.add(this.total - 1);
    lines.forEach((line, index) => this.keep((start ?? 0) + index, line));
    this.forget();
    this.total = Math.max(this.total, total);
    this.size = Math.max(this.size, size);
  }

  /** Have lines `first` to `last` brought; one request at a time, the latest wish wins.
   * @param {number} first @param {number} last */
  want(first, last) {
    while (first <= last && this.has(first)) first += 1;
    while (last >= first && this.has(last)) last -= 1;
    clearTimeout(this.timer);
    if (first > last) return;
    const asked = this.asked;
    if (asked && first <= asked.last && last >= asked.first) return; // asks again when that has come
    const wait = asked ? Math.max(0, PAUSE_MS - (performance.now() - this.askedAt)) : 0;
    if (wait) this.timer = window.setTimeout(() => this.ask(first, last), wait);
    else this.ask(first, last);
  }

  /** @param {number} first @param {number} last */
  async ask(first, last) {
    this.asked?.control.abort();
    const control = new AbortController();
    let from = first;
    while (from > 0 && first - from < AROUND && !this.has(from - 1)) from -= 1;
    const to = Math.max(from, Math.min(last + AROUND, this.total - 1, from + MOST_AT_ONCE - 1));
    const asked = { first: from, last: to, control };
    this.asked = asked;
    this.askedAt = performance.now();
    try {
      await this.load(from, to - from + 1, control.signal);
    } catch (error) {
      if (control.signal.aborted) return;
      const said = error instanceof Error ? error.message : String(error);
      this.dispatchEvent(new CustomEvent("trouble", { detail: said }));
      return;
    } finally {
      if (this.asked === asked) this.asked = null;
    }
    this.dispatchEvent(new CustomEvent("lines"));
  }

  /** Read `count` lines from `start` on; a negative start counts from the end.
   * @param {number} start @param {number} count @param {AbortSignal} [signal] */
  async load(start, count, signal) {
    const answer = await fetch(`${this.url}/lines?start=${start}&count=${count}`, { signal });
    if (!answer.ok) throw new Error(await sentence(answer));
    const found = await answer.json();
    this.grow(found.total, found.size);
    this.ended = found.ended;
    found.lines.forEach((/** @type {Line} */ line, /** @type {number} */ index) => this.keep(found.start + index, line));
    this.forget();
    return found;
  }

  /** @param {number} number @param {Line} line */
  keep(number, line) {
    this.stale.delete(number);
    this.lines.delete(number);
    this.lines.set(number, line);
  }

  /** Drop what came longest ago. */
  forget() {
    for (const number of this.lines.keys()) {
      if (this.lines.size <= MOST_KEPT) return;
      this.lines.delete(number);
    }
  }

  /** The nearest line with `text` behind (or before) `start`.
   * @param {string} text @param {number} start @param {"next" | "previous"} direction
   * @returns {Promise<number | null>} */
  async find(text, start, direction) {
    const query = new URLSearchParams({ q: text, start: String(start), direction });
    const answer = await fetch(`${this.url}/find?${query}`);
    if (!answer.ok) throw new Error(await sentence(answer));
    return (await answer.json()).line;
  }

  /** Text of the whole output, where that is at most `most` lines; else null.
   * @param {number} most */
  async whole(most) {
    if (this.total > most) return null;
    const texts = [];
    for (let start = 0; start < this.total; start += MOST_AT_ONCE) {
      const found = await this.load(start, MOST_AT_ONCE);
      for (const line of found.lines) texts.push(textOf(line));
    }
    return texts.join("\n");
  }
}

/** @param {Line} line */
export function textOf(line) {
  return line.segments.map(([text]) => text).join("");
}

/** What the server says went wrong, for people.
 * @param {Response} answer */
export async function sentence(answer) {
  try {
    const problem = await answer.json();
    return problem.detail || problem.title || `The server answered ${answer.status}.`;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}
