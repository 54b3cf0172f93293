// The charts of one node: what the API says of a time, drawn by uPlot, changes of the state as upright lines.

const POINTS_A_PIXEL = 0.5;
const MOST_POINTS = 1000;
const HOUR_S = 3600, DAY_S = 24 * HOUR_S;
const TONES = { healthy: "--good", degraded: "--warn", late: "--changed", down: "--bad", unknown: "--muted" };

/** @typedef {{at: string, new: keyof typeof TONES}} Change */
/** @typedef {{series: Record<string, (number | null)[]>, changes: Change[]}} Past */

const uPlot = /** @type {any} */ (window).uPlot;

/** A colour of the theme that is on now. @param {string} name */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

class Chart {
  /** @param {HTMLElement} figure @param {any} sync */
  constructor(figure, sync) {
    this.figure = figure;
    this.name = figure.dataset.figure ?? "";
    this.unit = figure.dataset.unit ?? "";
    this.box = /** @type {HTMLElement} */ (figure.querySelector(".chart-canvas"));
    this.value = /** @type {HTMLOutputElement} */ (figure.querySelector(".chart-value"));
    this.sync = sync;
    /** @type {any} */
    this.plot = null;
    /** @type {Past} */
    this.past = { series: { time: [] }, changes: [] };
    /** @type {[number, number]} */
    this.range = [0, 1];
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.box);
  }

  /** @param {Past} past @param {[number, number]} range */
  show(past, range) {
    this.past = past;
    this.range = range;
    const known = (past.series[this.name] ?? []).some((value) => value !== null);
    /** @type {HTMLElement} */ (this.figure.querySelector(".chart-none")).hidden = known;
    this.box.hidden = !known;
    if (!known) return;
    if (this.plot) this.plot.setData(this.data(), true);
    else this.draw();
    this.say(null);
  }

  /** Draw it anew, in the colours of the theme. */
  draw() {
    this.plot?.destroy();
    this.plot = this.box.hidden ? null : new uPlot(this.options(), this.data(), this.box);
  }

  data() {
    return [this.past.series.time, this.past.series[this.name]];
  }

  size() {
    return { width: Math.max(120, this.box.clientWidth), height: this.box.clientHeight };
  }

  options() {
    const axis = { stroke: colour("--bs-secondary-color"), grid: { stroke: colour("--bs-border-color"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { sync: { key: this.sync.key }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { range: () => this.range },
        y: { range: (/** @type {any} */ _plot, /** @type {number} */ _least, /** @type {number} */ most) => [0, this.unit === "%" ? 100 : Math.max(1, most * 1.1)] },
      },
      axes: [{ ...axis, size: 28, values: (/** @type {any} */ _plot, /** @type {number[]} */ times) => times.map((time) => this.when(time)) }, { ...axis, size: 44 }],
      series: [
        {},
        { stroke: colour("--accent"), width: 1.75, fill: `${colour("--accent")}22`, points: { show: false }, spanGaps: false },
      ],
      hooks: {
        draw: [(/** @type {any} */ plot) => this.mark(plot)],
        setCursor: [(/** @type {any} */ plot) => this.say(plot.cursor.idx)],
      },
    };
  }

  /** A time at the axis: of the day, or the day itself where the chart spans many. @param {number} time */
  when(time) {
    const at = new Date(time * 1000);
    const days = this.range[1] - this.range[0] > 2 * DAY_S;
    return days ? at.toLocaleDateString("en", { day: "numeric", month: "short" }) : at.toTimeString().slice(0, 5);
  }

  /** The moments when the node's state changed. @param {any} plot */
  mark(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = Math.max(1, devicePixelRatio * 1.5);
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const change of this.past.changes) {
      const at = Date.parse(change.at) / 1000;
      if (at < this.range[0] || at > this.range[1]) continue;
      const x = Math.round(plot.valToPos(at, "x", true));
      ctx.strokeStyle = colour(TONES[change.new] ?? "--muted");
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** The figure under the pointer, or the latest one. @param {number | null | undefined} index */
  say(index) {
    const { time } = this.past.series;
    const values = this.past.series[this.name] ?? [];
    const shown = index ?? values.length - 1;
    const value = values[shown];
    if (value === null || value === undefined) {
      this.value.textContent = "";
      return;
    }
    const when = index === null || index === undefined ? "" : `${new Date((time[shown] ?? 0) * 1000).toLocaleString("sv").slice(0, 16)}: `;
    this.value.textContent = `${when}${value}${this.unit ? ` ${this.unit}` : ""}`;
  }
}

/** @param {HTMLElement} box */
function start(box) {
  const sync = uPlot.sync("health");
  const charts = [...box.querySelectorAll("[data-figure]")].map((each) => new Chart(/** @type {HTMLElement} */ (each), sync));
  const hours = Number(box.dataset.hours);
  const load = async () => {
    if (document.hidden) return;
    const until = Date.now() / 1000;
    const since = until - hours * HOUR_S;
    const points = Math.min(MOST_POINTS, Math.max(60, Math.floor(box.clientWidth * POINTS_A_PIXEL)));
    const asked = new URLSearchParams({ since: iso(since), until: iso(until), points: String(points) });
    try {
      const answer = await fetch(`${box.dataset.url}?${asked}`);
      if (!answer.ok) return;
      const past = await answer.json();
      for (const chart of charts) chart.show(past, [since, until]);
    } catch {
      // The node is away for a moment; what was drawn stays, with its times below it.
    }
  };
  load();
  setInterval(load, hours === 1 ? 10_000 : 60_000);
  document.addEventListener("visibilitychange", load);
  new MutationObserver(() => charts.forEach((chart) => chart.draw())).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}

/** @param {number} seconds */
function iso(seconds) {
  return new Date(seconds * 1000).toISOString();
}

const box = document.getElementById("charts");
if (box) start(box);
