// Keeps nothing by itself. Itineraries that somebody asked for on this device are put away by
// offline.mjs; this only hands them out when the network is not there, and never instead of it.
const KEPT = "itineraries";
const SHELL = "shell";
const OFFLINE = "/offline";

self.addEventListener("install", (event) => {
  event.waitUntil(self.skipWaiting());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), forgetOver()]));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => instead(request)));
  } else if (new URL(request.url).pathname.startsWith("/static/")) {
    event.respondWith(fetch(request).catch(() => fromShell(request)));
  }
});

async function instead(request) {
  const kept = await caches.open(KEPT);
  const path = new URL(request.url).pathname;
  const found = await kept.match(path);
  if (found && !isOver(found)) return found;
  if (found) await kept.delete(path);
  return (await fromShell(new Request(OFFLINE))) || plain();
}

async function fromShell(request) {
  const shell = await caches.open(SHELL);
  const found = await shell.match(request, { ignoreSearch: false });
  return found || Response.error();
}

async function forgetOver() {
  const kept = await caches.open(KEPT);
  for (const request of await kept.keys()) {
    const found = await kept.match(request);
    if (found && isOver(found)) await kept.delete(request);
  }
}

function isOver(response) {
  return !(Date.parse(response.headers.get("X-Kept-Until")) > Date.now());
}

function plain() {
  const words = "You are offline. Parker Flight goes on watching; open this page again later.";
  return new Response(words, { status: 503, headers: { "Content-Type": "text/plain" } });
}
