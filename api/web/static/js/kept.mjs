// Itineraries kept on this device: only those that somebody asked for here, each with its end.
const KEPT = "itineraries";
const SHELL = "shell";
export const HEADERS = ["X-Kept-At", "X-Kept-Until", "X-Account", "X-Title"];

export async function keep(path) {
  const answer = await fetch(`${path}/offline`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`answer ${answer.status}`);
  const html = await answer.text();
  const headers = new Headers({ "Content-Type": "text/html; charset=utf-8" });
  headers.set("Content-Security-Policy", answer.headers.get("Content-Security-Policy") ?? "");
  for (const name of HEADERS) headers.set(name, answer.headers.get(name) ?? "");
  const kept = await caches.open(KEPT);
  await kept.put(path, new Response(html, { headers }));
  await keepShell(html);
}

export async function forget(path) {
  const kept = await caches.open(KEPT);
  await kept.delete(path);
  if (!(await kept.keys()).length) await caches.delete(SHELL);
}

export async function find(path) {
  const found = await (await caches.open(KEPT)).match(path);
  return found ? told(path, found) : null;
}

export async function all() {
  const kept = await caches.open(KEPT);
  const found = [];
  for (const request of await kept.keys()) {
    const response = await kept.match(request);
    if (response) found.push(told(new URL(request.url).pathname, response));
  }
  return found.filter((one) => one.until > Date.now());
}

// Nobody signed in, or somebody else: what was kept for another account goes, and what is over.
export async function forgetOthers(account) {
  const kept = await caches.open(KEPT);
  for (const request of await kept.keys()) {
    const response = await kept.match(request);
    if (!response) continue;
    const one = told(new URL(request.url).pathname, response);
    if (one.account !== account || !(one.until > Date.now())) await kept.delete(request);
  }
  if (!(await kept.keys()).length) await caches.delete(SHELL);
}

export function age(at) {
  const minutes = Math.max(Math.floor((Date.now() - at) / 60_000), 0);
  if (minutes < 1) return "just now";
  if (minutes < 60) return ago(minutes, "minute");
  if (minutes < 48 * 60) return ago(Math.floor(minutes / 60), "hour");
  return ago(Math.floor(minutes / 1440), "day");
}

function ago(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"} ago`;
}

function told(path, response) {
  return {
    path,
    at: Date.parse(response.headers.get("X-Kept-At")),
    until: Date.parse(response.headers.get("X-Kept-Until")),
    account: response.headers.get("X-Account"),
    title: decodeURIComponent(response.headers.get("X-Title") ?? ""),
  };
}

// What a kept page looks like needs the styles and scripts that it names, and the page for all
// other addresses.
async function keepShell(html) {
  const shell = await caches.open(SHELL);
  const offline = await fetch("/offline", { cache: "no-store" });
  await shell.put("/offline", offline.clone());
  const names = new Set([...named(html), ...named(await offline.text())]);
  await shell.addAll(names);
}

function named(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const links = [...page.querySelectorAll('link[rel="stylesheet"], link[rel="modulepreload"]')];
  return [
    ...links.map((one) => one.getAttribute("href")),
    ...[...page.querySelectorAll("script[src]")].map((one) => one.getAttribute("src")),
  ];
}
