// Shortcuts: one key each, told by `?`. They rest while somebody types, and can be left alone: every one is a link or
// a button too.

import { h, put } from "./dom.js";

const lasting = new Map();
let here = new Map();

/** A shortcut of every page. */
export const always = (key, told, work) => lasting.set(key, { told, work });
/** The shortcuts of this page; those of the page before are gone. */
export function only(shortcuts = []) {
  here = new Map(shortcuts.map(([key, told, work]) => [key, { told, work }]));
}

function typing(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|button|submit|file)$/.test(target.type));
}

function rows(shortcuts) {
  return [...shortcuts].map(([key, { told }]) => h("div", {}, h("dt", {}, h("kbd", {}, key === " " ? "Space" : key)), h("dd", {}, told)));
}

/** Show what keys there are. */
export function showKeys() {
  const dialog = document.getElementById("keys");
  put(
    dialog,
    h("h2", { id: "keys-title" }, "Keys"),
    here.size ? [h("h3", {}, "On this page"), h("dl", { class: "keys" }, rows(here))] : null,
    h("h3", {}, "Everywhere"),
    h("dl", { class: "keys" }, rows(lasting), h("div", {}, h("dt", {}, h("kbd", {}, "Tab")), h("dd", {}, "To the next link, button or field")), h("div", {}, h("dt", {}, h("kbd", {}, "Esc")), h("dd", {}, "Close what is open"))),
    h("form", { method: "dialog" }, h("button", { class: "action" }, "Close")),
  );
  dialog.showModal();
}

/** Listen. */
export function listen() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const found = here.get(event.key) ?? lasting.get(event.key);
    if (!found) return;
    event.preventDefault();
    found.work();
  });
}
