// The latest deliveries: asked for anew while one of them is on its way.

const LOOK_MS = 1000;
const rows = /** @type {HTMLElement | null} */ (document.querySelector("[data-poll]"));

async function look() {
  if (!rows || document.hidden || !rows.querySelector('[data-delivery="due"], [data-delivery="sending"]')) return;
  try {
    const answer = await fetch(rows.dataset.poll ?? "");
    if (answer.ok) rows.innerHTML = await answer.text();
  } catch {
    // The node is away for a moment; the next look finds it again.
  }
}

if (rows) setInterval(look, LOOK_MS);
