// What the wizard is more pleasant with, and works without: suggestions of places, the map that
// follows, airports near by, the past while a budget is typed, and a draft that saves itself.
import { waiting } from "./waiting.mjs";

const WAIT = 180;

function later(act, wait = WAIT) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Whether somebody typed before this ran; no event will tell. */
const typedEarly = (field) => field && field.value !== field.defaultValue;

/** A field with a list of what it may mean, as ARIA describes a combobox. */
class Places {
  constructor(box) {
    this.name = box.dataset.places;
    this.chosen = box.querySelector("[data-chosen]");
    this.told = box.querySelector("[data-told]");
    this.input = box.querySelector(".search input");
    this.found = [];
    this.at = -1;
    this.list = made("ul", { className: "options", id: `${this.input.id}-options`, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Places");
    this.input.after(this.list);
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-expanded", "false"],
      ["aria-controls", this.list.id],
    ]) this.input.setAttribute(name, value);
    this.input.addEventListener("input", later(() => this.search()));
    if (typedEarly(this.input) && this.input === document.activeElement) this.search();
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("li");
      if (!option) return;
      event.preventDefault();
      this.take([...this.list.children].indexOf(option));
    });
    this.chosen.addEventListener("change", () => drawMap());
    const near = box.querySelector("[data-near]");
    if (near && "geolocation" in navigator) {
      near.hidden = false;
      near.addEventListener("click", () => this.near());
    }
  }

  async search() {
    const text = this.input.value.trim();
    if (text.length < 2 || /[;,]\s*$/.test(text)) return this.close();
    const answer = await fetch(`/api/v1/places?limit=8&q=${encodeURIComponent(text.slice(0, 60))}`);
    // Whoever has gone on meanwhile is not shown a list over what they look at now.
    const asked = this.input.value.trim() === text && document.activeElement === this.input;
    if (!answer.ok || !asked) return undefined;
    return this.show((await answer.json()).items);
  }

  show(items) {
    this.found = items;
    this.at = -1;
    this.list.replaceChildren(
      ...items.map((place, number) => {
        const several = place.kind === "city";
        const covers = several ? place.airports.join(", ") : place.country_name;
        const option = made("li", { id: `${this.list.id}-${number}` }, place.label);
        option.append(made("small", {}, covers));
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        return option;
      }),
    );
    this.list.hidden = items.length === 0;
    this.input.setAttribute("aria-expanded", String(items.length > 0));
    const many = items.length === 1 ? "1 place" : `${items.length} places`;
    this.told.textContent = items.length ? `${many}; choose with the arrow keys.` : "Nothing found.";
  }

  close() {
    this.list.hidden = true;
    this.at = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const open = !this.list.hidden;
    if (event.key === "Escape" && open) {
      event.preventDefault();
      this.close();
    } else if (event.key === "Enter" && open) {
      // Enter takes what is marked, else what is likeliest; it never sends half a name.
      event.preventDefault();
      this.take(Math.max(this.at, 0));
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && open) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const count = this.found.length;
      this.mark((this.at + step + count + (this.at < 0 && step < 0 ? 1 : 0)) % count);
    }
  }

  mark(number) {
    this.at = number;
    for (const [place, option] of [...this.list.children].entries()) {
      option.setAttribute("aria-selected", String(place === number));
    }
    const option = this.list.children[number];
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  take(number) {
    const place = this.found[number];
    if (!place) return;
    this.add(place);
    this.input.value = "";
    this.close();
    this.input.focus();
  }

  add(place) {
    const known = [...this.chosen.querySelectorAll("input")].find((one) => one.value === place.code);
    if (known) {
      known.checked = true;
    } else {
      const box = made("input", { type: "checkbox", name: this.name, value: place.code, checked: true });
      const covers = place.kind === "city" ? place.airports.join(", ") : place.country_name;
      const words = made("span", {}, place.label, made("small", {}, covers));
      this.chosen.append(made("li", {}, made("label", { className: "choice" }, box, words)));
    }
    this.told.textContent = `${place.label} is on the list.`;
    drawMap();
  }

  near() {
    this.told.textContent = "Asking your browser where you are.";
    navigator.geolocation.getCurrentPosition(
      async ({ coords }) => {
        // A tenth of a degree finds the airports as well, and says less.
        const about = (angle) => Math.round(angle * 10) / 10;
        const answer = await fetch("/api/v1/places/near", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ latitude: about(coords.latitude), longitude: about(coords.longitude) }),
        });
        this.show(answer.ok ? (await answer.json()).items : []);
        this.input.focus();
      },
      () => {
        this.told.textContent = "Your browser does not say where you are. Type a city or a code.";
      },
      { maximumAge: 600000, timeout: 10000 },
    );
  }
}

const drawMap = later(async () => {
  const place = document.querySelector("[data-map]");
  if (!place) return;
  const query = new URLSearchParams();
  for (const name of ["origins", "destinations"]) {
    for (const one of document.querySelectorAll(`input[name="${name}"]:checked`)) {
      query.append(name, one.value);
    }
  }
  const answer = await waiting(place, fetch(`/auto-booking/new/map?${query}`));
  if (answer.ok) place.innerHTML = await answer.text();
});

/** Nights are asked for a return only. */
function oneWay(form) {
  const nights = form.querySelector("#nights_min")?.closest("fieldset");
  if (!nights) return;
  const show = () => {
    nights.hidden = form.elements.trip.value === "oneway";
  };
  form.addEventListener("change", show);
  show();
}

function past(form) {
  const place = form.querySelector("[data-past]");
  if (!place) return;
  const ask = later(async () => {
    const asked = fetch(place.dataset.past, { method: "POST", body: new FormData(form) });
    const answer = await waiting(place, asked);
    if (answer.ok) place.innerHTML = await answer.text();
  }, 500);
  const budget = form.elements.budget;
  budget?.addEventListener("input", ask);
  if (typedEarly(budget)) ask();
}

/** Keep what was typed: at each change, and when the page is left in any other way than by its buttons. */
function selfSaving(form) {
  let touched = false;
  let sent = false;
  // What is still on its way when the form itself is sent must not come after it.
  const overtaken = new AbortController();
  const save = () => {
    if (!touched || sent) return;
    touched = false;
    const body = new FormData(form);
    body.set("go", "look");
    const signal = overtaken.signal;
    fetch(form.action, { method: "POST", body, keepalive: true, redirect: "manual", signal })
      .catch(() => { touched = true; });
  };
  form.addEventListener("input", () => { touched = true; });
  form.addEventListener("submit", () => { sent = true; overtaken.abort(); });
  form.addEventListener("change", save);
  addEventListener("pagehide", save);
}

/** Let a passkey sign what is agreed to, before the order is sent. */
function signing(form) {
  const place = form.querySelector("[data-sign]");
  if (!place || !window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
  const told = form.querySelector("[data-sign-told]");
  form.addEventListener("submit", async (event) => {
    const orders = ["order", "change", "consent"].includes(event.submitter?.value);
    if (!orders || place.value || !form.elements.consent?.checked) return;
    event.preventDefault();
    try {
      const options = JSON.parse(place.dataset.sign);
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials.get({ publicKey });
      place.value = JSON.stringify(credential.toJSON());
      form.requestSubmit(event.submitter);
    } catch {
      told.textContent = "The passkey did not sign, so nothing was ordered. Try again, or reload the page.";
      told.hidden = false;
    }
  });
}

for (const box of document.querySelectorAll("[data-places]")) new Places(box);
for (const form of document.querySelectorAll("form.wizard")) {
  oneWay(form);
  past(form);
  signing(form);
  if ("draft" in form.dataset) selfSaving(form);
}
