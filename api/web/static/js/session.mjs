// Warns before the session ends, and keeps it open for whoever is still there. Other tabs of the
// same browser tell each other, since each visit of any of them moves the end.
const WARNING = 5 * 60_000;
const TICK = 10_000;
const MINUTES = new Intl.NumberFormat(document.documentElement.lang || "en", {
  style: "unit", unit: "minute", unitDisplay: "long",
});

const box = document.getElementById("session-ends");
const words = box.querySelector("[data-left]");
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("session") : null;
let ends = 0;

function move(secondsLeft, fromHere = true) {
  ends = Date.now() + secondsLeft * 1000;
  if (fromHere) tabs?.postMessage(ends);
  look();
}

function look() {
  const left = ends - Date.now();
  if (left <= 0) return leave();
  if (left > WARNING) return box.open && box.close();
  const said = MINUTES.format(Math.ceil(left / 60_000));
  if (words.textContent !== said) words.textContent = said;
  if (!box.open) box.showModal();
}

function leave() {
  clearInterval(timer);
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

async function stay(event) {
  event.preventDefault();
  const form = event.target;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok || answer.redirected) return leave();
    const { seconds_left } = await answer.json();
    move(seconds_left);
    if (seconds_left * 1000 <= WARNING) {
      box.querySelector("#session-ends-words").textContent = box.dataset.forGood;
    }
  } catch {
    words.textContent = words.dataset.unknown;
  }
}

tabs?.addEventListener("message", ({ data }) => {
  if (data > ends) { ends = data; look(); }
});
box.querySelector("[data-stay]").addEventListener("submit", stay);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
const timer = setInterval(look, TICK);
move(Number(box.dataset.secondsLeft));
