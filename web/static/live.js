// Shows the page's numbers anew every few seconds, without moving the reader's place or focus.
const everySeconds = 3;

async function refresh() {
  const live = document.getElementById("live");
  if (document.hidden || live.contains(document.activeElement) || !getSelection().isCollapsed) return;
  const answer = await fetch("/", { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (fresh && fresh.innerHTML !== live.innerHTML) live.replaceChildren(...fresh.childNodes);
}

setInterval(() => refresh().catch(() => {}), everySeconds * 1000);
