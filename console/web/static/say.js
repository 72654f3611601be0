// What the page says: one line for everybody, which a screen reader reads as it changes.

import { h, put } from "./dom.js";

const polite = () => document.getElementById("status");
const urgent = () => document.getElementById("alarm");
let clearing = 0;

/** Say what is going on. An empty text takes the line away. */
export function say(text, { busy = false } = {}) {
  clearTimeout(clearing);
  const line = polite();
  line.classList.toggle("busy", busy);
  line.classList.toggle("said", Boolean(text));
  put(line, text);
  if (text && !busy) clearing = setTimeout(() => say(""), 12_000);
}

/** Say that something failed, what, and what to try. Stays until the next word. */
export function complain(error) {
  say("");
  const box = urgent();
  const close = h("button", { type: "button", class: "action quiet-action", onclick: () => calm() }, "Close");
  put(box, h("p", {}, h("strong", {}, error.message)), error.hint ? h("p", {}, error.hint) : null, close);
  box.classList.add("said");
}

/** Take a complaint away. */
export function calm() {
  urgent().classList.remove("said");
  put(urgent());
}

/** Do something slow: say what, say how it failed. Answers what it made, `undefined` where it failed. */
export async function during(text, work) {
  calm();
  say(text, { busy: true });
  try {
    const made = await work();
    if (polite().classList.contains("busy")) say("");
    return made;
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (!error.code) console.error(error);
    complain(error);
    return undefined;
  }
}
