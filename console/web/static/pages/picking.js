// A dialog with tracklets to pick one of: the infrared ones of the night, the newest first.

import { get } from "../api.js";
import { pickable } from "../crops.js";
import { action, field, h, put } from "../dom.js";
import { complain } from "../say.js";
import { count } from "../words.js";

/** Ask for a tracklet; `chosen(tracklet)` is called with it. */
export async function pickTracklet(cameras, chosen, modality = "infrared") {
  const dialog = document.getElementById("ask");
  const list = h("div", { class: "picks" });
  const told = h("p", { class: "quiet", role: "status" });
  const camera = h("select", {}, h("option", { value: "" }, "all"), cameras.filter((one) => one.modality === modality).map((one) => h("option", {}, one.camera)));
  const more = h("p", {});
  const done = (one) => { dialog.close(); chosen(one); };
  let shown = 0;

  async function fill(cursor) {
    if (!cursor) { put(list); shown = 0; }
    put(told, "Looking for tracklets…");
    try {
      const page = await get("/tracklets", { modality, camera: camera.value, limit: 60, cursor });
      shown += page.tracklets.length;
      list.append(...page.tracklets.map((one) => pickable(one, false, done)));
      put(told, shown ? count(shown, "tracklet") : "No tracklets there. Has footage of an infrared camera been watched?");
      put(more, page.next ? action("More", () => fill(page.next)) : null);
    } catch (error) {
      dialog.close();
      complain(error);
    }
  }
  camera.addEventListener("change", () => fill());
  put(
    dialog,
    h("h2", { id: "ask-title" }, "Tracklets of the night"),
    field("Camera", camera),
    told,
    list,
    more,
    h("form", { method: "dialog" }, h("button", { class: "action" }, "Close")),
  );
  dialog.showModal();
  await fill();
}
