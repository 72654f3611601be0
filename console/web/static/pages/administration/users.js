// Users: who may use the console, as what, and where they are signed in.

import { change, get, post, remove } from "../../api.js";
import { action, field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { may, who } from "../../session.js";
import { table } from "../../tables.js";
import { moment } from "../../words.js";

const ROLES = ["viewer", "investigator", "reviewer", "auditor", "admin"];
const roles = (chosen) => ROLES.map((role) => h("option", { selected: role === chosen }, role));

/** What somebody may see, in words. */
function scope(given) {
  const parts = [given.cameras === null ? "all cameras" : given.cameras.join(", ") || "no camera", given.since ? `from ${moment(given.since)}` : "", given.until ? `until ${moment(given.until)}` : ""];
  return parts.filter(Boolean).join(", ");
}

/** The tab. */
export async function usersTab(root, stale) {
  const manages = may("users.manage");
  const { cameras } = manages ? await get("/cameras") : { cameras: [] };
  const people = h("div", {});
  const signedIn = h("div", {});
  async function fill() {
    const [{ users }, { sessions }] = await Promise.all([get("/users"), get("/sessions", { everybody: true })]);
    put(people, table("Users", [
      ["Name", (one) => one.name],
      ["Role", (one) => (manages && one.name !== who().name ? roleOf(one, fill) : one.role)],
      ["May see", (one) => scope(one.scope)],
      ["Added", (one) => moment(one.created)],
      ["State", (one) => (one.disabled ? "kept out" : "active")],
      ...(manages ? [["", (one) => (one.name === who().name ? "" : barring(one, fill))]] : []),
    ], users, "Nobody yet."));
    put(signedIn, table("Sessions", [
      ["User", (one) => one.user],
      ["From", (one) => one.address],
      ["Since", (one) => moment(one.created)],
      ["Last seen", (one) => moment(one.seen)],
      ...(manages ? [["", (one) => (one.own ? "this one" : action("End", async () => { if (await during("Ending the session…", () => remove(`/sessions/${encodeURIComponent(one.id)}`).then(() => true))) { await fill(); say("Ended."); } }, { "aria-label": `End the session of ${one.user}` }))]] : []),
    ], sessions, "Nobody is signed in."));
  }
  await fill();
  if (stale()) return;
  put(root, people, manages ? addForm(cameras, fill) : null, h("h2", {}, "Signed in"), signedIn);
}

function roleOf(user, again) {
  const select = h("select", { "aria-label": `Role of ${user.name}` }, roles(user.role));
  select.addEventListener("change", async () => {
    const done = await during("Changing the role…", () => change(`/users/${encodeURIComponent(user.name)}`, { role: select.value }));
    await again();
    if (done) say(`${user.name} is ${done.role} from now on.`);
  });
  return select;
}

function barring(user, again) {
  return action(user.disabled ? "Let in" : "Keep out", async () => {
    if (await during("Changing…", () => change(`/users/${encodeURIComponent(user.name)}`, { disabled: !user.disabled }))) { await again(); say(user.disabled ? "May sign in again." : "Kept out from now on, and signed out."); }
  }, { "aria-label": `${user.disabled ? "Let in" : "Keep out"} ${user.name}` });
}

function addForm(cameras, again) {
  const name = h("input", { required: true, maxlength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { type: "password", required: true, autocomplete: "new-password", maxlength: 1000 });
  const role = h("select", {}, roles("investigator"));
  const boxes = cameras.map((one) => ({ id: one.camera, box: h("input", { type: "checkbox" }) }));
  const form = h(
    "form",
    { class: "card pad", "aria-label": "Add a user" },
    h("h2", {}, "Add a user"),
    h("div", { class: "filter-fields" }, field("Name", name), field("First password", password), field("Role", role), boxes.length ? h("fieldset", {}, h("legend", {}, "May see"), boxes.map(({ id, box }) => h("label", { class: "check" }, box, ` ${id}`)), h("p", { class: "quiet" }, "None ticked: all cameras.")) : null),
    h("p", {}, h("button", { class: "action main-action" }, "Add")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const ticked = boxes.filter(({ box }) => box.checked).map(({ id }) => id);
    const made = await during("Adding…", () => post("/users", { name: name.value.trim(), password: password.value, role: role.value, scope: { cameras: ticked.length ? ticked : null } }));
    if (!made) return;
    form.reset();
    await again();
    say(`${made.name} may sign in.`);
  });
  return form;
}
