// A part of a page that the server draws anew: fetched one at a time, and once more where news came meanwhile.

/** @param {string} url @param {(html: string) => void} put */
export function refresher(url, put) {
  let busy = false, again = false;
  return async () => {
    again = true;
    if (busy) return;
    busy = true;
    try {
      while (again) {
        again = false;
        const answer = await fetch(url);
        if (answer.ok) put(await answer.text());
      }
    } catch {
      // The node is away for a moment; the stream finds it again and tells.
    } finally {
      busy = false;
    }
  };
}
