// Keeps a page up to date: parts arrive as markup and take the place of what they update. Without
// a stream it asks every few seconds; without scripts at all, the page is as it was when loaded.
const POLL = 15_000;
const SILENT = 40_000; // two and a half signs of life
const TICK = 20_000;
const PATIENCE = 4_000; // a short interruption is no news
const LANGUAGE = document.documentElement.lang || "en";

const root = document.querySelector("[data-live]");
let stream = null;
let heard = 0;
let lostTimer = 0;
let pollTimer = 0;
let over = false;

function connect() {
  if (over || stream || document.hidden) return;
  const address = new URL(root.dataset.live, location.href);
  address.searchParams.set("after", root.dataset.version);
  stream = new EventSource(address);
  heard = Date.now();
  stream.addEventListener("open", alive);
  stream.addEventListener("page", (event) => { alive(); take(JSON.parse(event.data)); });
  stream.addEventListener("beat", (event) => { alive(); root.dataset.at = JSON.parse(event.data).at; });
  stream.addEventListener("end", (event) => finish(JSON.parse(event.data).why));
  stream.addEventListener("error", interrupted);
}

function close() {
  stream?.close();
  stream = null;
}

function alive() {
  heard = Date.now();
  clearTimeout(lostTimer);
  clearInterval(pollTimer);
  lostTimer = pollTimer = 0;
  part("lost").hidden = true;
}

function interrupted() {
  if (over) return;
  if (stream?.readyState === EventSource.CLOSED) close();
  lostTimer ||= setTimeout(lost, PATIENCE);
}

function lost() {
  lostTimer = 0;
  show("Live updates are interrupted.", `What you see is from ${clock()}. We ask every few seconds meanwhile.`);
  pollTimer ||= setInterval(poll, POLL);
  poll();
}

async function poll() {
  if (over || document.hidden) return;
  try {
    const answer = await fetch(root.dataset.live, {
      headers: { Accept: "application/json", "If-None-Match": `"${root.dataset.version}"` },
      redirect: "error",
      cache: "no-store",
    });
    if (answer.status === 404) return finish("gone");
    if (answer.status !== 200 && answer.status !== 304) return;
    if (answer.status === 200) take(await answer.json());
    else root.dataset.at = new Date().toISOString();
    show("Live updates are interrupted.", `What you see is from ${clock()}. We ask every few seconds meanwhile.`);
    connect();
  } catch {
    show("We cannot reach Parker Flight.", `What you see is from ${clock()}; it may have changed.`);
    connect();
  }
}

function take(page) {
  root.dataset.version = page.version;
  root.dataset.at = page.at;
  for (const [id, markup] of Object.entries(page.parts)) replace(id, markup);
  if (page.code !== root.dataset.code && page.say) part("say").textContent = page.say;
  root.dataset.code = page.code;
  tick();
}

// What somebody has opened or stands on stays so.
function replace(id, markup) {
  const place = document.getElementById(id);
  if (!place || place.innerHTML === markup) return;
  const open = [...place.querySelectorAll("details")].map((one) => one.open);
  const at = focusable(place).indexOf(document.activeElement);
  place.innerHTML = markup;
  place.querySelectorAll("details").forEach((one, number) => { one.open = open[number] ?? false; });
  if (at >= 0) focusable(place)[at]?.focus({ preventScroll: true });
  place.dispatchEvent(new Event("live", { bubbles: true }));
}

function focusable(place) {
  return [...place.querySelectorAll("a[href], button, input, summary")];
}

function finish(why) {
  if (why === "later") return close();
  over = true;
  close();
  alive();
  if (why === "signed_out") show("You are signed out here.", "What you see may have changed; reload to sign in again.");
  if (why === "gone") show("This is not here any more.", "Reload to see what is.");
}

function show(title, words) {
  part("title").textContent = title;
  part("words").textContent = words;
  part("lost").hidden = false;
}

function part(name) {
  return root.querySelector(`[data-live-${name}]`);
}

function clock() {
  const at = new Date(root.dataset.at);
  const age = span(Math.round((Date.now() - at) / 1000));
  return `${at.toLocaleTimeString(LANGUAGE)} (${age} ago)`;
}

function span(seconds) {
  const [number, noun] = seconds < 60 ? [seconds, "second"]
    : seconds < 3600 ? [Math.floor(seconds / 60), "minute"]
    : seconds < 172_800 ? [Math.floor(seconds / 3600), "hour"]
    : [Math.floor(seconds / 86_400), "day"];
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// "4 minutes ago" grows old: it is counted on here, silently.
function tick() {
  for (const time of document.querySelectorAll("[data-ago] time")) {
    const seconds = Math.round((Date.now() - new Date(time.dateTime)) / 1000);
    const words = Math.abs(seconds) < 10 ? "now" : seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
    if (time.textContent !== words) time.textContent = words;
  }
  if (root && stream && Date.now() - heard > SILENT) { close(); connect(); interrupted(); }
}

setInterval(tick, TICK);
if (root) {
  // Browsers open few connections to one place: a page that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : connect()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", connect);
  connect();
}
