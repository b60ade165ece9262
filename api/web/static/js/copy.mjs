// Buttons that copy: shown only where the browser can, so that without scripts nothing is promised.
const SAID_FOR = 2000;

function arm(button) {
  const words = button.innerHTML;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button, "Copied", words);
    } catch {
      select(button);
      say(button, "Press Ctrl+C", words);
    }
  });
}

function say(button, text, words) {
  button.textContent = text;
  announce(text);
  setTimeout(() => { button.innerHTML = words; }, SAID_FOR);
}

function select(button) {
  const code = button.parentElement.querySelector("code");
  if (code) getSelection().selectAllChildren(code);
}

function announce(text) {
  let place = document.getElementById("copied");
  if (!place) {
    place = document.createElement("p");
    place.id = "copied";
    place.className = "unseen";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = text;
}

function armAll(place) {
  place.querySelectorAll("button[data-copy]").forEach(arm);
}

if (navigator.clipboard) {
  armAll(document);
  document.addEventListener("live", (event) => armAll(event.target)); // what took another's place
}
