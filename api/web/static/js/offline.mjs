// Three places: the button on a booking's page, a kept itinerary itself, and the page for all
// other addresses while there is no network.
import { age, all, find, forget, keep } from "./kept.mjs";

const box = document.querySelector("[data-offline]");
if (box && "caches" in window) await offer(box);
for (const time of document.querySelectorAll("time[data-age]")) {
  time.textContent = age(Date.parse(time.dateTime));
}
const list = document.querySelector("[data-kept]");
if (list && "caches" in window) await show(list);

async function offer(place) {
  const path = place.dataset.offline;
  const button = place.querySelector("button");
  const words = place.querySelector("[role=status]");
  place.hidden = false;
  button.addEventListener("click", () => press(place, path, button, words));
  let kept = await find(path);
  if (kept) {
    // The page is here, so the network is: what is kept becomes what is so now.
    await keep(path).catch(() => {});
    kept = await find(path);
  }
  tell(place, button, words, kept);
}

async function press(place, path, button, words) {
  button.disabled = true;
  try {
    if (await find(path)) await forget(path);
    else await keep(path);
    tell(place, button, words, await find(path));
  } catch {
    words.textContent = "It could not be kept just now. Try again in a moment.";
  }
  button.disabled = false;
}

function tell(place, button, words, kept) {
  button.textContent = kept ? place.dataset.forget : place.dataset.keep;
  words.textContent = kept ? `Kept ${age(kept.at)}. ${place.dataset.kept}` : place.dataset.why;
}

async function show(place) {
  for (const one of await all()) {
    const link = document.createElement("a");
    link.href = one.path;
    link.textContent = one.title;
    const item = document.createElement("li");
    item.append(link, `, kept ${age(one.at)}`);
    place.append(item);
  }
  place.hidden = !place.children.length;
}
