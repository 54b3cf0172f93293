// The run page: follows one run and keeps everything on the page true.

import { badge, tone, word } from "./badges.js";
import { copyButtons } from "./clipboard.js";
import { Matrix } from "./matrix.js";
import { ResultSheet } from "./result-sheet.js";
import { RunResults } from "./run-results.js";
import { live } from "./live.js";
import { rememberTab } from "./tabs.js";
import { drawTimeline } from "./timeline.js";
import { duration } from "./times.js";
import { sentence } from "./line-store.js";
import { toast } from "./toasts.js";
import { RunTerminal } from "./terminal.js";
import { againstUsual, isSlow } from "./usual.js";

const GOING_ON = ["queued", "running"];

class RunPage {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.url = root.dataset.url ?? "";
    this.state = root.dataset.state ?? "";
    this.hostCount = Number(root.dataset.hosts);
    this.sample = JSON.parse(root.dataset.usual || "[]");
    this.elapsed = root.dataset.elapsed ? Number(root.dataset.elapsed) : null;
    this.elapsedAt = performance.now();
    this.position = /** @type {number | null} */ (null);
    this.results = new RunResults();
    this.terminal = /** @type {RunTerminal} */ (root.querySelector("run-terminal"));
    this.sheet = new ResultSheet(/** @type {HTMLDialogElement} */ (byId("result")), this.url, (line) => this.showLine(line));
    this.matrix = new Matrix(byId("matrix"), this.results);
    this.matrix.addEventListener("open", (event) => this.openResult(/** @type {CustomEvent} */ (event).detail));
    this.frame = 0;
    this.knownChanges = -1;
    this.title = document.title;
  }

  get ended() {
    return !GOING_ON.includes(this.state);
  }

  start() {
    rememberTab(this.root, (shown) => this.later(shown));
    copyButtons(document);
    this.loadResults();
    if (!this.ended) this.follow();
    setInterval(() => this.tick(), 200);
  }

  follow() {
    live?.addEventListener("state", (event) => this.stateCame(detail(event)));
    live?.addEventListener("output", (event) => this.terminal.grow(detail(event)));
    live?.addEventListener("result", (event) => this.resultCame(detail(event)));
    live?.addEventListener("end", () => this.endCame());
    live?.addEventListener("fresh", (event) => {
      const badge = byId("live");
      badge.hidden = detail(event).connected;
      if (badge.textContent !== detail(event).words) badge.textContent = detail(event).words;
    });
  }

  /** @param {{state: string, why: string, elapsed: number | null, position: number | null}} now */
  stateCame(now) {
    const changed = now.state !== this.state;
    this.state = now.state;
    this.position = now.position;
    this.elapsed = now.elapsed;
    this.elapsedAt = performance.now();
    if (changed) {
      byId("state").replaceChildren(badge(this.state));
      document.title = this.title.replace(/^[^:]*/, word(this.state));
    }
    const why = byId("why");
    why.textContent = now.why;
    why.hidden = !now.why;
    why.className = `why ${tone(this.state)}`;
    this.tick();
  }

  /** @param {any} result */
  resultCame(result) {
    if (this.results.add(result)) this.later();
  }

  endCame() {
    this.terminal.end();
    this.loadResults();
    this.freshDetails();
    for (const each of this.root.querySelectorAll("[data-while-going-on]")) /** @type {HTMLElement} */ (each).hidden = true;
    for (const each of this.root.querySelectorAll("[data-when-ended]")) /** @type {HTMLElement} */ (each).hidden = false;
    /** @type {HTMLDialogElement | null} */ (document.getElementById("cancel"))?.close();
  }

  async loadResults() {
    const answer = await ask(`${this.url}/results`);
    if (!answer) return;
    this.results.load(await answer.json());
    this.later();
  }

  /** Draw what is on screen, at most once a frame. @param {string} [shown] the tab that was just opened */
  later(shown) {
    if (shown === "output") this.terminal.view?.later();
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    for (const state of ["ok", "changed", "failed", "unreachable"]) this.drawCount(state, this.results.count(state));
    const bad = this.results.sortedHosts().filter((host) => ["failed", "unreachable"].includes(host.state));
    for (const each of this.root.querySelectorAll("[data-when-bad]")) /** @type {HTMLElement} */ (each).hidden = !(bad.length && this.ended);
    drawChips(document.getElementById("failed-hosts"), bad.map((host) => host.name));
    this.drawMeter();
    this.terminal.firstFailure = this.results.firstFailure;
    if (byId("hosts").classList.contains("active")) this.matrix.draw();
    if (byId("timeline").classList.contains("active")) drawTimeline(byId("timeline-body"), this.results);
    if (byId("changes").classList.contains("active")) this.drawChanges();
    const count = byId("change-count");
    count.textContent = String(this.results.changes);
    count.hidden = !this.results.changes;
  }

  /** @param {string} state @param {number} count */
  drawCount(state, count) {
    const shown = this.root.querySelector(`[data-count="${state}"]`);
    const figure = shown?.querySelector("b");
    if (!shown || !figure) return;
    figure.textContent = String(count);
    shown.className = count ? `count ${tone(state)}` : "count";
  }

  drawMeter() {
    const meter = byId("meter");
    const parts = ["ok", "changed", "failed", "unreachable", "skipped"].map((state) => {
      const part = document.createElement("span");
      part.className = tone(state);
      part.style.width = `${(this.results.count(state) / Math.max(1, this.hostCount)) * 100}%`;
      return part;
    });
    meter.replaceChildren(...parts);
    const missing = Math.max(0, this.hostCount - this.results.hosts.size);
    byId("waiting-hosts").textContent = missing ? `${missing} ${this.ended ? "without a result" : "to come"}` : "";
  }

  async drawChanges() {
    if (this.results.results.size === this.knownChanges) return;
    this.knownChanges = this.results.results.size;
    const answer = await ask(this.root.dataset.changesUrl ?? "");
    if (!answer) return;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    byId("changes-body").replaceChildren(...parsed.body.childNodes);
  }

  /** Times, return code and files stand in the page as it was loaded; take them from a fresh one. */
  async freshDetails() {
    const answer = await ask(location.pathname);
    if (!answer) return;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = parsed.getElementById("details");
    if (fresh) byId("details").replaceChildren(...fresh.childNodes);
    copyButtons(byId("details"));
  }

  tick() {
    const since = this.state === "running" ? (performance.now() - this.elapsedAt) / 1000 : 0;
    const seconds = this.elapsed === null ? null : this.elapsed + since;
    let words = seconds === null ? "not started" : duration(seconds);
    if (this.state === "queued") words = this.position ? `waits for ${this.position} ${this.position === 1 ? "run" : "runs"} before it` : "starts next";
    if (byId("elapsed").textContent !== words) byId("elapsed").textContent = words;
    const usual = againstUsual(seconds, this.sample, this.ended);
    byId("slow").hidden = this.ended || !isSlow(seconds, this.sample);
    byId("usual").textContent = usual ? `, ${usual}` : "";
  }

  /** @param {number} counter */
  openResult(counter) {
    const result = this.results.results.get(counter);
    if (result) this.sheet.open(result, this.results.tasks.get(result.task) ?? "task");
  }

  /** @param {number} line */
  showLine(line) {
    byId("tab-output").click();
    requestAnimationFrame(() => this.terminal.goTo(line));
  }
}

/** An answer, or nothing and a message to the person. @param {string} url */
async function ask(url) {
  try {
    const answer = await fetch(url);
    if (answer.ok) return answer;
    toast(`A part of this page could not be loaded: ${await sentence(answer)}`, "bad");
  } catch {
    toast("A part of this page could not be loaded: the node does not answer.", "bad");
  }
  return null;
}

/** @param {HTMLElement | null} list @param {string[]} names */
function drawChips(list, names) {
  list?.replaceChildren(...names.map((name) => {
    const item = document.createElement("li");
    const chip = document.createElement("span");
    chip.className = "chip";
    chip.textContent = name;
    item.append(chip);
    return item;
  }));
}

/** @param {Event} event */
function detail(event) {
  return /** @type {CustomEvent} */ (event).detail;
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

new RunPage(byId("run")).start();
