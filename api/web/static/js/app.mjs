// On every page of somebody signed in, and at the door: the worker that serves kept itineraries is
// there, and nothing is kept that belongs to another account or is over.
import { forgetOthers } from "./kept.mjs";
import { markWhatWasSent } from "./waiting.mjs";

markWhatWasSent();
const account = document.querySelector('meta[name="account"]').content;
if ("caches" in window) await forgetOthers(account);
if (account && "serviceWorker" in navigator) {
  await navigator.serviceWorker.register("/service-worker.js", { scope: "/" }).catch(() => {});
}
