// The page's frame: who is signed in, the pages they may open, and which of them is open.

import { onRefusal } from "./api.js";
import { h, put } from "./dom.js";
import { always, listen, only, showKeys } from "./keys.js";
import { calm, complain, say } from "./say.js";
import { askPurpose, forget, may, restore, signOut, who } from "./session.js";
import { pages } from "./pages.js";
import { signInPage } from "./pages/signing_in.js";

const main = document.getElementById("main");
let leave = () => {};
let turn = 0;

/** The pages that whoever is signed in may open. */
const open = () => pages.filter((page) => page.needs.some(may));

function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  return { name, rest, query: new URLSearchParams(query) };
}

function head(name) {
  const session = who();
  const menu = open().filter((page) => page.title);
  put(
    document.getElementById("bar"),
    h(
      "div",
      { class: "wide bar-row" },
      h("p", { class: "brand" }, h("a", { href: "#/" }, "nightreid"), h("span", { class: "visually-hidden" }, ", night-time person search")),
      session ? h("nav", { "aria-label": "Pages" }, h("ul", { class: "menu" }, menu.map((page) => h("li", {}, h("a", { href: `#/${page.name}`, "aria-current": page.name === name ? "page" : null }, page.title))))) : null,
      session ? account(session) : null,
    ),
  );
}

function account(session) {
  const purpose = session.purpose ? `${session.purpose}${session.case ? ` (${session.case})` : ""}` : "none stated";
  return h(
    "div",
    { class: "account" },
    session.kind === "local" ? null : h("button", { type: "button", class: "plain", title: purpose, onclick: async () => { if (await askPurpose()) { head(read().name); say("From now on this is the purpose."); } } }, h("span", { class: "quiet" }, "Purpose: "), h("span", { class: "purpose" }, purpose)),
    h("span", { class: "nowrap" }, session.name, " ", h("span", { class: "quiet" }, session.role)),
    session.kind === "local" ? null : h("button", { type: "button", class: "plain", onclick: async () => { await signOut(); location.hash = "#/"; show(); } }, "Sign out"),
  );
}

function notice() {
  const banner = document.getElementById("banner");
  const local = who()?.kind === "local";
  banner.hidden = !local;
  put(banner, local ? h("p", { class: "wide" }, h("strong", {}, "Demonstration."), " Nobody signs in here and everything is allowed: it answers on this computer alone, and shows synthetic people.") : null);
}

async function show() {
  const mine = ++turn;
  leave();
  leave = () => {};
  calm();
  say("");
  only([]);
  const { name, rest, query } = read();
  notice();
  const page = open().find((one) => one.name === name) ?? open()[0];
  head(page?.name);
  const root = h("div", { class: "page" });
  put(main, root);
  try {
    if (!who()) {
      await signInPage(root, show);
    } else if (!page) {
      put(root, h("h1", {}, "Nothing to see"), h("p", {}, "Your role opens no page here. Ask whoever administers nightreid."));
    } else {
      leave = (await page.open(root, { rest, query, stale: () => mine !== turn })) ?? (() => {});
      if (mine !== turn) leave();
    }
  } catch (error) {
    if (!error.code) console.error(error);
    if (mine === turn && who()) {
      if (!root.querySelector("h1")) put(root, h("h1", {}, page?.title ?? page?.heading ?? "nightreid"));
      complain(error);
    }
  }
  if (mine !== turn) return;
  const title = root.querySelector("h1");
  document.title = `${title?.textContent ?? "nightreid"} · nightreid`;
  if (title && mine > 1 && !root.contains(document.activeElement)) {
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function theme() {
  const button = document.getElementById("theme");
  const set = (light) => {
    document.documentElement.classList.toggle("light", light);
    button.textContent = light ? "Dark" : "Light";
    button.setAttribute("aria-label", light ? "Dark colours" : "Light colours");
  };
  set(localStorage.getItem("theme") === "light");
  button.addEventListener("click", () => {
    const light = !document.documentElement.classList.contains("light");
    localStorage.setItem("theme", light ? "light" : "dark");
    set(light);
  });
}

async function start() {
  theme();
  listen();
  always("?", "These keys", showKeys);
  document.getElementById("show-keys").addEventListener("click", showKeys);
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
  document.getElementById("keys").addEventListener("click", (event) => { if (event.target.id === "keys") event.target.close(); });
  for (const page of pages) if (page.key) always(page.key, page.title, () => { if (page.needs.some(may)) location.hash = `#/${page.name}`; });
  onRefusal({
    signedOut: (refusal) => { if (who()) { forget(refusal); show().then(() => say("The session has ended. Sign in again.")); } },
    purpose: (refusal) => askPurpose(refusal.message),
  });
  try {
    await restore();
  } catch (error) {
    complain(error);
  }
  addEventListener("hashchange", show);
  await show();
}

start();
