// What somebody is looked for by: words, a picture or a tracklet, and filters.

import { get, post } from "../api.js";
import { picture, place } from "../crops.js";
import { action, field, fresh, h, put } from "../dom.js";
import { during, say } from "../say.js";
import { typed } from "../words.js";
import { pickTracklet } from "./picking.js";

/** The form. `search(asked)` is called with what is asked; `clear()` where the one to look like changes. */
export function queryForm(cameras, search, clear) {
  const words = h("textarea", { id: "description", rows: 2, maxlength: 2000, placeholder: "man in a dark red hoodie and jeans, black backpack", autocapitalize: "none" });
  const like = h("div", { class: "like", "aria-live": "polite" });
  const files = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/bmp", id: fresh("file"), class: "visually-hidden" });
  const infrared = h("select", { id: fresh("light") }, h("option", { value: "infrared" }, "infrared"), h("option", { value: "visible" }, "visible"));
  const filters = filterFields(cameras);
  let chosen = null;

  function choose(next) {
    chosen = next;
    clear();
    put(like, chosen ? likeCard(chosen, () => { choose(null); words.focus(); }) : null);
    drop.hidden = Boolean(chosen);
  }

  async function upload(file) {
    if (!file) return;
    const form = new FormData();
    form.append("file", file, "picture");
    form.append("modality", infrared.value);
    const made = await during("Uploading the picture…", () => post("/pictures", form));
    if (!made) return;
    choose({ picture: made.picture, preview: URL.createObjectURL(file), modality: made.modality });
    for (const note of made.notes ?? []) say(note);
    await submit();
  }

  async function take(one) {
    choose({ tracklet: one.tracklet, seen: one });
    await submit();
    words.focus();
  }

  const pick = () => pickTracklet(cameras, take);
  const drop = h(
    "div",
    { class: "drop" },
    h("p", {}, "Looks like: ", action("Pick a tracklet of the night", pick, { id: "pick-tracklet" })),
    h("p", {}, h("label", { for: files.id, class: "action file" }, "Choose a crop"), files, " ", h("label", { for: infrared.id }, "taken in "), infrared, h("span", { class: "quiet drop-told" }, " light, or drop it here")),
  );
  files.addEventListener("change", () => { upload(files.files[0]); files.value = ""; });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); upload(event.dataTransfer.files[0]); });

  const refused = h("p", { class: "refused", role: "alert" });
  async function submit() {
    const text = words.value.trim();
    if (!text && !chosen) {
      put(refused, "Describe somebody, pick a tracklet or choose a crop.");
      words.focus();
      return;
    }
    put(refused);
    const { joined, ...where } = filters.read();
    await search({ text: text || null, tracklet: chosen?.tracklet ?? null, picture: chosen?.picture ?? null, ...where, ...(text && chosen ? joined : null) });
  }
  const element = h(
    "form",
    { class: "card pad query", role: "search", "aria-label": "Find a person" },
    field("Description", words, "In English, as a witness would say it: clothes and their colours, what is carried, build, hair."),
    like,
    drop,
    filters.element,
    refused,
    h("p", { class: "row" }, h("button", { class: "action main-action" }, "Search")),
  );
  element.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
  });
  return { element, pick, focus: () => words.focus(), begin: async (id) => take(await get(`/tracklets/${encodeURIComponent(id)}`)) };
}

function likeCard(chosen, away) {
  const told = chosen.seen ? place(chosen.seen) : h("span", { class: "place" }, h("strong", {}, `${chosen.modality} crop`), " ", h("span", { class: "quiet" }, "from this computer"));
  return h(
    "div",
    { class: "like-card" },
    picture(chosen.preview ?? chosen.seen?.crop, "Whoever is looked for"),
    h("p", {}, "Looks like this one: ", told, h("br"), h("span", { class: "quiet" }, "Add words above and search again: you see who moves.")),
    h("button", { type: "button", class: "action", onclick: away }, "Not this one"),
  );
}

/** What is made of words and a picture: what it is called, and how the search asks for it. */
const JOINED = {
  fused: ["one query of both", {}],
  ensemble: ["words, picture and both count alike", { form: "ensemble" }],
  half: ["words keep the best half, the picture ranks", { form: "narrowed", keep: 0.5 }],
  tenth: ["words keep the best tenth, the picture ranks", { form: "narrowed", keep: 0.1 }],
};

function filterFields(cameras) {
  const boxes = cameras.filter((one) => one.modality === "visible").map((one) => ({ id: one.camera, box: h("input", { type: "checkbox", value: one.camera }) }));
  const since = h("input", { type: "datetime-local", step: 1 });
  const until = h("input", { type: "datetime-local", step: 1 });
  const least = h("select", {}, [["", "any"], ["0.01", "1 %"], ["0.1", "10 %"], ["0.3", "30 %"], ["0.5", "50 %"]].map(([value, label]) => h("option", { value }, label)));
  const joined = h("select", {}, Object.entries(JOINED).map(([value, [label]]) => h("option", { value }, label)));
  const limit = h("select", {}, [12, 24, 48, 96].map((value) => h("option", { value, selected: value === 24 }, value)));
  const element = h(
    "details",
    { class: "filters" },
    h("summary", {}, "Filters"),
    h(
      "div",
      { class: "filter-fields" },
      boxes.length ? h("fieldset", {}, h("legend", {}, "Seen by"), boxes.map(({ id, box }) => h("label", { class: "check" }, box, " ", id)), h("p", { class: "quiet" }, "None ticked: all of them.")) : null,
      field("Seen from (UTC)", since),
      field("Seen until (UTC)", until),
      field("At least so probable", least),
      field("People a page", limit),
      field("Words and a picture", joined, "What is made of both, where there are both."),
    ),
  );
  const read = () => {
    const ticked = boxes.filter(({ box }) => box.checked).map(({ id }) => id);
    return { cameras: ticked.length ? ticked : null, since: typed(since.value) ?? null, until: typed(until.value) ?? null, least_probability: least.value ? Number(least.value) : null, limit: Number(limit.value), joined: JOINED[joined.value][1] };
  };
  return { element, read };
}
