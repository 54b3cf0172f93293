// The page's one stream: opened once every module of the page has had the time to listen.

import { Stream } from "./stream.js";

const KINDS = ["alerts", "runs", "nodes", "requests", "state", "output", "result", "end", "call"];

/** The stream of this page; null where nobody is signed in. */
export const live = stream();

function stream() {
  const url = document.body.dataset.stream;
  if (!url) return null;
  const run = document.getElementById("run")?.dataset;
  const goesOn = run?.state === "queued" || run?.state === "running";
  const call = document.querySelector("[data-call-open]")?.getAttribute("data-call-open");
  const followed = goesOn ? `?run=${encodeURIComponent(run.run ?? "")}` : call ? `?call=${encodeURIComponent(call)}` : "";
  const made = new Stream(url + followed, KINDS);
  if (document.readyState === "complete") made.open();
  else window.addEventListener("DOMContentLoaded", () => made.open());
  return made;
}
