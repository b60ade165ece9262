// Passkeys: a form that is marked asks the browser's authenticator before it is sent. Without
// scripts these forms stay hidden, and what they do has another way on the same page.

async function optionsOf(form) {
  if (form.dataset.passkeyOptions) return JSON.parse(form.dataset.passkeyOptions);
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.dataset.passkey, { method: "POST", body, headers: { Accept: "text/html" } });
  if (answer.redirected) {
    location.assign(answer.url);
    return null;
  }
  const kind = answer.headers.get("content-type") || "";
  if (!answer.ok || !kind.startsWith("application/json")) throw new Error("not asked");
  return answer.json();
}

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

async function register(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    },
  });
  return shown(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports ? made.response.getTransports() : [],
  });
}

async function answer(options) {
  const given = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: known(options.allowCredentials),
    },
  });
  const handle = given.response.userHandle;
  return shown(given, {
    authenticatorData: text(given.response.authenticatorData),
    signature: text(given.response.signature),
    ...(handle && handle.byteLength ? { userHandle: text(handle) } : {}),
  });
}

function shown(credential, response) {
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
  });
}

function say(form, words) {
  const place = form.querySelector("[data-passkey-problem]");
  if (place) place.textContent = words;
}

const WORDS = {
  NotAllowedError: "Nothing was confirmed: it was called off, or took too long. Try again when you are ready.",
  InvalidStateError: "This device has a passkey of this account already.",
  SecurityError: "Passkeys do not work at this address. Open the page by its own name.",
};

function arm(form) {
  form.hidden = false;
  const field = form.querySelector("input[name=passkey]");
  form.addEventListener("submit", async (event) => {
    if (field.value) return;
    event.preventDefault();
    if (!form.reportValidity()) return;
    say(form, "");
    form.setAttribute("aria-busy", "true");
    try {
      const options = await optionsOf(form);
      if (!options) return;
      field.value = await (form.dataset.passkeyKind === "create" ? register : answer)(options);
      form.submit();
    } catch (problem) {
      say(form, WORDS[problem.name] || "The passkey could not be used. Nothing was changed; reload the page and try again.");
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

if (window.PublicKeyCredential) {
  document.querySelectorAll("form[data-passkey-kind]").forEach(arm);
  document.querySelectorAll("[data-passkey-shown]").forEach((one) => { one.hidden = false; });
  document.querySelectorAll("[data-passkey-missing]").forEach((one) => { one.hidden = true; });
}
