// The own access: password, sessions, API tokens.

import { get, place, post, remove } from "../../api.js";
import { action, field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { who } from "../../session.js";
import { table } from "../../tables.js";
import { moment, typed } from "../../words.js";

/** The tab. */
export async function accessTab(root, stale) {
  const local = who().kind === "local";
  const listed = h("div", {});
  const secret = h("div", { role: "status" });
  async function fill() {
    const { tokens } = await get("/tokens");
    put(listed, table("Tokens", [
      ["Name", (one) => one.name],
      ["May do", (one) => `as ${one.role}`],
      ["Made", (one) => moment(one.created)],
      ["Last used", (one) => moment(one.seen) || "never"],
      ["Ends", (one) => moment(one.expires) || "never"],
      ["", (one) => (one.revoked ? "revoked" : action("Revoke", async () => { if (await during("Revoking…", () => remove(`/tokens/${encodeURIComponent(one.id)}`).then(() => true))) { await fill(); say("Revoked."); } }, { "aria-label": `Revoke the token ${one.name}` }))],
    ], tokens, "No token yet. A token lets a program ask what you may ask."));
  }
  await fill();
  if (stale()) return;
  put(root, h("h2", {}, "API tokens"), listed, secret, local ? null : tokenForm(fill, secret), local ? null : passwordForm());
}

function tokenForm(again, secret) {
  const name = h("input", { required: true, maxlength: 64 });
  const until = h("input", { type: "datetime-local" });
  const form = h("form", { class: "card pad narrow spaced", "aria-label": "Make a token" }, field("Name", name), field("Until (UTC)", until), h("p", {}, h("button", { class: "action main-action" }, "Make a token")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const made = await during("Making the token…", () => post("/tokens", { name: name.value.trim(), expires: typed(until.value) ?? null }));
    if (!made) return;
    form.reset();
    put(secret, h("p", { class: "card pad" }, "The token, shown this once: ", h("code", {}, made.secret)));
    await again();
  });
  return form;
}

function passwordForm() {
  const before = h("input", { type: "password", required: true, autocomplete: "current-password" });
  const after = h("input", { type: "password", required: true, autocomplete: "new-password" });
  const form = h("form", { class: "card pad narrow", "aria-label": "Change the password" }, field("Present password", before), field("New password", after, "You are signed out everywhere, and sign in with it."), h("p", {}, h("button", { class: "action" }, "Change it")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await during("Changing the password…", () => place("/session/password", { password: before.value, new: after.value }).then(() => true))) location.reload();
  });
  return [h("h2", {}, "Password"), form];
}
