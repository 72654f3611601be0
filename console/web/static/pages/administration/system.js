// How the console stands: models, what the gallery holds, cameras.

import { get } from "../../api.js";
import { h, put } from "../../dom.js";
import { facts, table } from "../../tables.js";
import { count, moment } from "../../words.js";

const listed = (names) => (names.length ? names.join(", ") : "nothing");

/** The tab. */
export async function systemTab(root, stale) {
  const [status, { cameras }] = await Promise.all([get("/status"), get("/cameras")]);
  if (stale()) return;
  const held = status.counts;
  put(
    root,
    facts([
      ["Version", `nightreid ${status.version}`],
      ["Database", status.database],
      ["Gallery", held && `${count(held.identities, "person", "people")}, ${count(held.tracklets, "tracklet")}, ${count(held.sightings, "picture")}, ${count(held.links, "link")}`],
      ["Waiting", held && count(held.waiting, "tracklet")],
      ["Purpose", `needed for ${listed(status.policy.purpose)}`],
      ["Case", `needed for ${listed(status.policy.case)}`],
      ["Two people", `needed for ${listed(status.policy.two_persons)}`],
    ]),
    h("h2", {}, "Cameras"),
    table("Cameras", [["Camera", (one) => one.camera], ["Light", (one) => one.spectrum], ["Tracklets", (one) => one.tracklets.toLocaleString("en")], ["First seen", (one) => moment(one.first)], ["Last seen", (one) => moment(one.last)]], cameras, "No camera has been watched yet."),
    status.models ? [h("h2", {}, "Models"), table("Models", [["Model", (one) => h("code", { title: one.id }, one.id.slice(0, 12))], ["Kind", (one) => one.kind], ["Vectors", (one) => one.vectors.toLocaleString("en")], ["Searched by", (one) => (one.active ? "yes" : "no")]], status.models, "No vectors yet.")] : null,
  );
}
