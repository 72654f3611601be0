// Watches: standing queries. List, add by words, person or picture, pause, remove; and their alerts.

import { change, get, post, remove } from "../api.js";
import { action, field, fresh, h, put } from "../dom.js";
import { only } from "../keys.js";
import { complain, during, say } from "../say.js";
import { may, who } from "../session.js";
import { moment, short, typed } from "../words.js";
import { alertCard } from "./alerts.js";

/** The page; the address may name a person to watch for. */
export async function watchesPage(root, { query, stale }) {
  const list = h("ul", { class: "feed", "aria-label": "Watches" });
  const alerts = h("ol", { class: "feed", "aria-label": "Alerts, newest first" });
  const { cameras } = await get("/cameras");
  if (stale()) return;
  async function fill() {
    const [{ watches }, told] = await Promise.all([get("/watches"), may("alerts.read") ? get("/alerts", { limit: 50 }) : { alerts: [] }]);
    put(list, watches.length ? watches.map((one) => watchCard(one, fill)) : h("li", { class: "empty" }, "No watch yet."));
    put(alerts, told.alerts.length ? told.alerts.map(alertCard) : h("li", { class: "empty" }, "No alert yet. Only who comes after a watch was added is compared with it."));
  }
  const form = may("watch") ? addForm(cameras, query.get("identity"), fill) : null;
  put(root, h("h1", {}, "Watches"), form?.element, h("h2", {}, "Standing"), list, h("h2", {}, "Alerts"), alerts);
  only([
    ...(form ? [["a", "Add a watch", form.focus]] : []),
    ["u", "Look for new alerts", () => during("Looking…", fill)],
  ]);
  await fill();
}

function watchCard(one, again) {
  const about = one.kind === "description" ? `“${one.text}”` : one.kind === "identity" ? `person ${short(one.identity)}` : "a picture";
  const pause = async () => {
    if (await during(one.paused ? "Resuming…" : "Pausing…", () => change(`/watches/${one.watch}`, { paused: !one.paused }).then(() => true))) { await again(); say(one.paused ? "Watching again." : "Paused."); }
  };
  const away = async (button) => {
    if (button.dataset.sure !== "yes") {
      button.dataset.sure = "yes";
      button.textContent = "Remove: sure?";
      return;
    }
    if (await during("Removing…", () => remove(`/watches/${one.watch}`).then(() => true))) { await again(); say("Removed."); }
  };
  return h(
    "li",
    { class: "card pad watch", "data-watch": one.watch },
    h("h3", {}, one.name || about, one.paused ? h("span", { class: "quiet" }, " paused") : null),
    h("p", {}, `Looks for ${about}`, one.cameras?.length ? ` at ${one.cameras.join(", ")}` : "", one.hours ? `, ${one.hours} ${one.zone ?? ""}` : "", one.expires ? `, until ${moment(one.expires)}` : ""),
    h("p", { class: "quiet" }, `${one.standing ? `${one.standing}. ` : ""}Added by ${one.author}, ${moment(one.created)}${one.purpose ? `: ${one.purpose}` : ""}`),
    may("watch") ? h("p", { class: "row" }, action(one.paused ? "Resume" : "Pause", pause), action("Remove", away, { class: "action danger" })) : null,
  );
}

function addForm(cameras, identity, again) {
  const kinds = [["text", "Words"], ["identity", "A person of the gallery"], ["picture", "A picture"]];
  const words = h("textarea", { rows: 2, maxlength: 2000, placeholder: "man in a red jacket with a black backpack" });
  const person = h("input", { maxlength: 255, value: identity ?? "", spellcheck: "false" });
  const file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/bmp" });
  const infrared = h("select", {}, h("option", { value: "visible" }, "visible"), h("option", { value: "infrared" }, "infrared"));
  const name = h("input", { maxlength: 200 });
  const until = h("input", { type: "datetime-local" });
  const alarms = h("input", { type: "number", min: 0.01, step: "any", placeholder: "0.5" });
  const boxes = cameras.map((one) => ({ id: one.camera, box: h("input", { type: "checkbox" }) }));
  const parts = { text: field("Description", words, "In English: clothes and their colours, what is carried."), identity: field("Person’s id", person), picture: h("div", { class: "row" }, field("Crop", file), field("Taken in light", infrared)) };
  const radios = kinds.map(([kind, label]) => {
    const radio = h("input", { type: "radio", name: "watch-kind", value: kind, id: fresh("kind"), checked: kind === (identity ? "identity" : "text"), onchange: show });
    return [radio, h("label", { class: "check", for: radio.id }, radio, ` ${label}`)];
  });
  const kind = () => radios.find(([radio]) => radio.checked)[0].value;
  function show() { for (const [name_, part] of Object.entries(parts)) part.hidden = name_ !== kind(); }

  async function what() {
    if (kind() === "text") return { text: words.value.trim() };
    if (kind() === "identity") return { identity: person.value.trim() };
    const form = new FormData();
    form.append("file", file.files[0], "picture");
    form.append("modality", infrared.value);
    return { picture: (await post("/pictures", form)).picture };
  }
  const refused = h("p", { class: "refused", role: "alert" });
  async function add(event) {
    event.preventDefault();
    const missing = { text: !words.value.trim(), identity: !person.value.trim(), picture: !file.files.length }[kind()];
    put(refused, missing ? "Say first whom to watch for." : "");
    if (missing) return;
    const ticked = boxes.filter(({ box }) => box.checked).map(({ id }) => id);
    const made = await during("Adding the watch…", async () => post("/watches", { ...(await what()), name: name.value.trim() || null, cameras: ticked, expires: typed(until.value) ?? null, false_alarms: alarms.value ? Number(alarms.value) : null, purpose: who().purpose ?? null }));
    if (!made) return;
    words.value = person.value = name.value = file.value = "";
    await again().catch(complain);
    say(made.done === false ? "Proposed: a second person has to agree." : "Watching from now on.");
  }
  const element = h(
    "form",
    { class: "card pad", "aria-label": "Add a watch" },
    h("fieldset", {}, h("legend", {}, "Watch for"), radios.map(([, label]) => label)),
    Object.values(parts),
    h("details", { class: "filters" }, h("summary", {}, "More"), h("div", { class: "filter-fields" }, field("Name", name), field("Until (UTC)", until), field("False alarms a night, at most", alarms), boxes.length ? h("fieldset", {}, h("legend", {}, "At cameras"), boxes.map(({ id, box }) => h("label", { class: "check" }, box, ` ${id}`)), h("p", { class: "quiet" }, "None ticked: all of them.")) : null)),
    refused,
    h("p", { class: "row" }, h("button", { class: "action main-action" }, "Watch")),
  );
  element.addEventListener("submit", add);
  show();
  return { element, focus: () => (kind() === "identity" ? person : words).focus() };
}
