// How long something took against how long it usually takes, in the server's words (selfservice/web/units.py).

import { duration } from "./times.js";

const ENOUGH = 5;
const GRACE_SECONDS = 1;

/** Whether it takes longer than 19 of 20 earlier runs did (selfservice/runs/slow.py).
 * @param {number | null} seconds @param {number[]} sample */
export function isSlow(seconds, sample) {
  if (seconds === null || sample.length < ENOUGH) return false;
  const ordered = [...sample].sort((a, b) => a - b);
  return seconds > ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * 0.95))] + GRACE_SECONDS;
}

/** @param {number | null} seconds @param {number[]} sample @param {boolean} ended */
export function againstUsual(seconds, sample, ended) {
  if (!sample.length) return "";
  const ordered = [...sample].sort((a, b) => a - b);
  const usually = `usually ${duration(ordered[Math.floor(ordered.length / 2)])}`;
  const faster = seconds === null ? 0 : ordered.filter((each) => each < seconds).length;
  if (ordered.length >= ENOUGH && faster > ordered.length * 0.75) return `${usually}: slower than ${faster} of the last ${ordered.length}`;
  if (ended && ordered.length >= ENOUGH && faster === 0) return `${usually}: the fastest of the last ${ordered.length + 1}`;
  return usually;
}
