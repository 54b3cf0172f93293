// The page's one stream: opened once every module of the page has had the time to listen.

import { Stream } from "./stream.js";

const KINDS = ["alerts", "runs", "nodes", "state", "output", "result", "end"];

/** The stream of this page; null where nobody is signed in. */
export const live = stream();

function stream() {
  const url = document.body.dataset.stream;
  if (!url) return null;
  const run = document.getElementById("run")?.dataset;
  const goesOn = run?.state === "queued" || run?.state === "running";
  const made = new Stream(goesOn ? `${url}?run=${encodeURIComponent(run.run ?? "")}` : url, KINDS);
  if (document.readyState === "complete") made.open();
  else window.addEventListener("DOMContentLoaded", () => made.open());
  return made;
}
