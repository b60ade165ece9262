// What takes longer than a moment shows that it is under way; what is quick shows nothing at all.
const MOMENT = 300;

/** Mark a place as busy for as long as something it waits for has not come. */
export async function waiting(place, promise) {
  const timer = mark(place);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    place.removeAttribute("aria-busy");
  }
}

/** Mark the button that sent a form, until the next page is there. */
export function markWhatWasSent() {
  document.addEventListener("submit", ({ submitter, target, defaultPrevented }) => {
    // Enter presses a button that nobody sees.
    const button = submitter?.matches(".btn") ? submitter : target.querySelector(".btn.main");
    if (button && !defaultPrevented) mark(button);
  });
  // A page that somebody comes back to is as it was left.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll(".btn[aria-busy]")) button.removeAttribute("aria-busy");
  });
}

function mark(place) {
  return setTimeout(() => place.setAttribute("aria-busy", "true"), MOMENT);
}
