// What each host did when, and where the time went.

import { tone, word } from "./badges.js";
import { duration } from "./times.js";

/** @typedef {import("./run-results.js").RunResults} RunResults */
/** @typedef {import("./run-results.js").Result} Result */

const MOST_HOSTS = 200;
const SLOWEST = 8;
const TICKS = 5;

/** Draw the timeline of `results` into `place`. @param {HTMLElement} place @param {RunResults} results */
export function drawTimeline(place, results) {
  const timed = [...results.results.values()].filter((result) => result.started_at !== null && result.seconds !== null);
  if (!timed.length) {
    place.replaceChildren(make("p", "text-secondary", "Nothing has finished on any host yet."));
    return;
  }
  const begin = Math.min(...timed.map(start));
  const span = Math.max(0.001, Math.max(...timed.map((result) => start(result) + seconds(result))) - begin);
  const chart = make("div", "timeline");
  chart.append(axis(span));
  const byHost = Map.groupBy ? Map.groupBy(timed, (result) => result.host) : grouped(timed);
  const hosts = results.sortedHosts().filter((host) => byHost.has(host.name));
  for (const host of hosts.slice(0, MOST_HOSTS)) {
    chart.append(lane(host.name, byHost.get(host.name) ?? [], begin, span, results));
  }
  place.replaceChildren(chart);
  if (hosts.length > MOST_HOSTS) place.append(make("p", "text-secondary", `The first ${MOST_HOSTS} of ${hosts.length} hosts are drawn.`));
  place.append(make("h2", "", "Where the time went"), slowest(timed, results));
}

/** @param {string} name @param {Result[]} found @param {number} begin @param {number} span @param {RunResults} results */
function lane(name, found, begin, span, results) {
  const row = make("div", "lane");
  const track = make("ul", "lane-track");
  track.setAttribute("aria-label", `Tasks of ${name}`);
  for (const result of found) {
    const bar = make("li", `lane-bar ${tone(result.status)}`);
    bar.style.left = `${((start(result) - begin) / span) * 100}%`;
    bar.style.width = `${(seconds(result) / span) * 100}%`;
    const task = results.tasks.get(result.task) ?? "task";
    bar.title = `${task}: ${word(result.status)}, ${duration(seconds(result))}, after ${duration(start(result) - begin)}`;
    bar.append(make("span", "lane-word", `${task} · ${duration(seconds(result))}`));
    track.append(bar);
  }
  const total = found.reduce((sum, result) => sum + seconds(result), 0);
  row.append(make("span", "lane-host", name), track, make("span", "lane-sum figure", duration(total)));
  return row;
}

/** @param {number} span */
function axis(span) {
  const row = make("div", "lane lane-axis");
  const track = make("div", "lane-track");
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const mark = make("span", "lane-tick figure", duration((span * tick) / TICKS));
    mark.style.left = `${(tick / TICKS) * 100}%`;
    track.append(mark);
  }
  row.append(make("span", "lane-host", "Host"), track, make("span", "lane-sum", "Busy"));
  return row;
}

/** @param {Result[]} found @param {RunResults} results */
function slowest(found, results) {
  /** @type {Map<string, {longest: Result, sum: number, count: number}>} */
  const tasks = new Map();
  for (const result of found) {
    const known = tasks.get(result.task) ?? { longest: result, sum: 0, count: 0 };
    known.sum += seconds(result);
    known.count += 1;
    if (seconds(result) > seconds(known.longest)) known.longest = result;
    tasks.set(result.task, known);
  }
  const ranked = [...tasks].sort(([, a], [, b]) => seconds(b.longest) - seconds(a.longest)).slice(0, SLOWEST);
  const most = seconds(ranked[0][1].longest) || 1;
  const list = make("ol", "slowest");
  for (const [id, { longest, count }] of ranked) {
    const item = make("li");
    const bar = make("span", "slow-bar");
    bar.style.width = `${(seconds(longest) / most) * 100}%`;
    const hosts = count === 1 ? `on ${longest.host}` : `on ${count} hosts, slowest ${longest.host}`;
    item.append(make("b", "", results.tasks.get(id) ?? "task"), make("span", "text-secondary", hosts), make("span", "figure", duration(seconds(longest))), bar);
    list.append(item);
  }
  return list;
}

/** @param {Result} result */
function start(result) {
  const text = result.started_at ?? "";
  return Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`) / 1000;
}

/** @param {Result} result */
function seconds(result) {
  return result.seconds ?? 0;
}

/** @param {Result[]} found */
function grouped(found) {
  /** @type {Map<string, Result[]>} */
  const groups = new Map();
  for (const result of found) groups.set(result.host, [...(groups.get(result.host) ?? []), result]);
  return groups;
}

/** @param {string} name @param {string} classes @param {string} text */
function make(name, classes = "", text = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}
