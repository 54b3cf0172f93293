// One stream of server-sent events a page: closed while nobody looks, honest about how fresh it is.

import { ago } from "./times.js";

const SILENCE_MS = 25_000; // the node says "alive" after every 10 s without news

/**
 * Dispatches what the server sends as events of the same names, their `detail` the data; and
 * `fresh` with {connected, words} whenever the page should say how fresh it is.
 */
export class Stream extends EventTarget {
  /** @param {string} url @param {string[]} kinds */
  constructor(url, kinds) {
    super();
    this.url = url;
    this.kinds = kinds;
    /** @type {EventSource | null} */
    this.source = null;
    this.connected = true;
    this.heardAt = Date.now();
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    window.addEventListener("pagehide", () => this.close());
    setInterval(() => this.look(), 1000);
  }

  open() {
    if (this.source || document.hidden) return;
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener("open", () => this.heard());
    source.addEventListener("error", () => this.lost());
    source.addEventListener("alive", () => this.heard());
    for (const kind of this.kinds) {
      source.addEventListener(kind, (event) => {
        this.heard();
        const detail = JSON.parse(/** @type {MessageEvent} */ (event).data);
        this.dispatchEvent(new CustomEvent(kind, { detail }));
      });
    }
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  heard() {
    this.heardAt = Date.now();
    if (!this.connected) this.say(true);
  }

  lost() {
    this.say(false);
    // A browser tries again by itself, unless the answer was no stream at all.
    if (this.source?.readyState === EventSource.CLOSED) {
      this.close();
      setTimeout(() => this.open(), 3000);
    }
  }

  look() {
    if (document.hidden) return;
    const silent = Date.now() - this.heardAt > SILENCE_MS;
    if (silent && this.connected) {
      this.close();
      this.say(false);
      this.open();
    } else if (!this.connected) this.say(false);
  }

  /** @param {boolean} connected */
  say(connected) {
    this.connected = connected;
    const words = connected ? "" : `Reconnecting, last update ${ago((Date.now() - this.heardAt) / 1000)}`;
    this.dispatchEvent(new CustomEvent("fresh", { detail: { connected, words } }));
  }
}
