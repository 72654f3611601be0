// Erasing a person: who is meant is shown first, then they go for good. What is under legal hold stays.

import { get, post } from "../../api.js";
import { picture, when } from "../../crops.js";
import { action, field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { may } from "../../session.js";
import { table } from "../../tables.js";
import { count, moment, share, short } from "../../words.js";
import { holds } from "./holds.js";

/** The tab; the address may name a person. */
export async function erasuresTab(root, stale, query) {
  const list = h("div", {});
  async function fill() {
    const { erasures } = await get("/erasures");
    put(list, table("Erasures", [
      ["Erasure", (one) => h("code", {}, short(one.erasure))],
      ["When", (one) => moment(one.time)],
      ["By", (one) => one.by],
      ["Tracklets", (one) => one.tracklets],
      ["Row of the audit log", (one) => one.audit ?? ""],
    ], erasures, "Nobody was erased yet."));
  }
  await fill();
  const held = await holds();
  if (stale()) return;
  put(root, may("erase") ? eraseForm(query.get("identity"), fill) : null, h("h2", {}, "Erased"), list, held);
}

function eraseForm(identity, again) {
  const ids = h("textarea", { rows: 2, maxlength: 20_000, value: identity ?? "", spellcheck: "false" });
  const file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/bmp" });
  const modality = h("select", {}, h("option", { value: "visible" }, "visible"), h("option", { value: "infrared" }, "infrared"));
  const linked = h("input", { type: "checkbox", checked: true });
  const reference = h("input", { maxlength: 255 });
  const plan = h("div", { class: "plan" });

  async function example() {
    if (!file.files.length) return say("Choose a crop of the person first.");
    const form = new FormData();
    form.append("file", file.files[0], "picture");
    form.append("modality", modality.value);
    const found = await during("Looking who is meant…", () => post("/erasures/example", form));
    if (!found) return undefined;
    const sure = found.identities.length ? found.identities : [];
    if (sure.length) ids.value = sure.join("\n");
    put(plan, sure.length ? null : candidates(found.candidates, (one) => { ids.value = one.identity; show(); }));
    return sure.length ? show() : undefined;
  }

  async function show() {
    const wanted = ids.value.split(/\s+/).filter(Boolean);
    if (!wanted.length) return say("Say first who is to be erased: their id, or a picture.");
    const asked = { identities: wanted, linked: linked.checked, case: reference.value.trim() || null };
    const made = await during("Looking who would go…", () => post("/erasures/plan", asked));
    if (made) put(plan, planCard(made, asked, () => { put(plan); ids.value = ""; return again(); }));
    return undefined;
  }
  const form = h(
    "form",
    { class: "card pad", "aria-label": "Erase a person" },
    h("h2", {}, "Erase a person"),
    field("Ids of the person", ids, "As the person’s page tells it; one a line."),
    h("div", { class: "filter-fields" }, field("Or a crop of them", file), field("Taken in light", modality), h("p", { class: "beside" }, action("Who is it?", example)), field("Case", reference)),
    h("p", {}, h("label", { class: "check" }, linked, " with the infrared tracklets that are linked to them")),
    h("p", { class: "row" }, h("button", { class: "action main-action" }, "Show who would go")),
    plan,
  );
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  if (identity) show();
  return form;
}

function candidates(found, choose) {
  if (!found.length) return h("p", { class: "empty" }, "Nobody is like this picture.");
  return [
    h("p", {}, "Nobody has this very picture. Most like it, of whom you must be sure:"),
    h("ul", { class: "tips" }, found.map((one) => h("li", {}, h("a", { href: `#/person/${encodeURIComponent(one.identity)}` }, `Person ${short(one.identity)}`), ` ${share(one.probability)}, ${count(one.tracklets, "tracklet")} `, action("This one", () => choose(one), { "aria-label": `Person ${short(one.identity)} is meant` })))),
  ];
}

function planCard(plan, asked, done) {
  const going = plan.tracklets.filter((one) => !one.held);
  async function erase(button) {
    if (button.dataset.sure !== "yes") {
      button.dataset.sure = "yes";
      button.textContent = "Sure? It cannot be undone";
      return;
    }
    const made = await during("Erasing, and writing the files anew…", () => post("/erasures", { ...asked, revision: plan.revision }));
    if (!made) return;
    await done();
    say(made.done ? `Erased: ${count(made.tracklets, "tracklet")}, ${count(made.crops, "picture")}. ${made.left.join(" ")}` : "Proposed: a second person has to agree.");
  }
  return h(
    "section",
    { "aria-label": "Who would go" },
    h("p", {}, `${count(plan.tracklets.length, "tracklet")} would go${plan.possible.length ? `; ${count(plan.possible.length, "other")} may be of them too, and would stay` : ""}.`),
    h("ul", { class: "strip large wrap", "aria-label": "Tracklets that would go" }, plan.tracklets.map((one) => h("li", {}, picture(one.crop, `${one.modality} picture from ${one.camera}`), h("strong", {}, one.camera), h("br"), when(one.start, one.end), h("br"), h("span", { class: "quiet" }, one.held ? "under legal hold" : one.why, one.probability === null ? "" : ` ${share(one.probability)}`)))),
    going.length < plan.tracklets.length ? h("p", { class: "refused" }, "Some are under legal hold: nobody is erased until it is lifted.") : h("p", {}, action("Erase for good", erase, { class: "action danger" })),
  );
}
