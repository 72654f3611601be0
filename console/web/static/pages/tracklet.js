// One tracklet: its pictures, its clip where footage is at hand, and whom it may be.

import { get, post } from "../api.js";
import { light, picture, when } from "../crops.js";
import { action, h, put } from "../dom.js";
import { during, say } from "../say.js";
import { may } from "../session.js";
import { count, moment, share, short } from "../words.js";

/** The page of `#/tracklet/ID`. */
export async function trackletPage(root, { rest, stale }) {
  const seen = await get(`/tracklets/${encodeURIComponent(rest[0])}`);
  if (stale()) return;
  const again = () => { root.replaceChildren(); return trackletPage(root, { rest, stale }); };
  put(
    root,
    h("h1", {}, `Tracklet ${short(seen.tracklet)}`),
    h("p", { class: "lead" }, h("strong", {}, seen.camera), " ", light(seen), " ", when(seen.start, seen.end), h("span", { class: "quiet" }, ` found in ${count(seen.length, "frame")}`)),
    h("p", { class: "row" },
      seen.identity && seen.modality === "visible" ? h("a", { href: `#/person/${encodeURIComponent(seen.identity)}`, class: "action" }, `Person ${short(seen.identity)}`) : null,
      may("search") ? h("a", { href: `#/find?tracklet=${encodeURIComponent(seen.tracklet)}`, class: "action" }, "Find alike") : null),
    h("ul", { class: "crops wide-crops", "aria-label": "Pictures" }, seen.crops.map((one) => h("li", {}, picture(one.crop, `Picture of ${moment(one.time)}`)))),
    seen.captions?.length ? h("p", { class: "quiet" }, seen.captions.join(" ")) : null,
    seen.clip && may("export") ? clip(seen) : null,
    seen.link ? whom(seen.link, again) : null,
  );
}

function clip(seen) {
  const place = h("div", {});
  put(place, action("Show the clip", () => {
    const video = h("video", { src: seen.clip, controls: true, muted: true, class: "clip", "aria-label": `Clip around ${moment(seen.start)}` });
    video.addEventListener("error", () => put(place, h("p", { class: "quiet" }, "The clip cannot be shown: its footage is not at hand any more.")));
    put(place, video);
    video.focus();
  }));
  return place;
}

const DECISIONS = { linked: "The model links it to the first of these.", unknown: "Nobody is sure enough: unknown.", "not calibrated": "Ranked; not calibrated, so nothing is decided." };

function whom(link, again) {
  const judged = new Map(link.judgements.map((one) => [one.identity, one]));
  const answer = (identity, verdict) => async () => {
    const done = await during("Keeping the answer…", () => post(`/links/${encodeURIComponent(link.tracklet.tracklet)}/${verdict}`, { identity }));
    if (!done) return;
    await again();
    say(done.done ? "Kept." : "Proposed: a second person has to agree.");
  };
  return h(
    "section",
    { "aria-labelledby": "whom-title" },
    h("h2", { id: "whom-title" }, "Who it may be"),
    h("p", {}, DECISIONS[link.decision] ?? link.decision, link.unknown === null ? "" : ` Nobody of them: ${share(link.unknown)}.`),
    h("ol", { class: "grid" }, link.candidates.map((one) => {
      const said = judged.get(one.identity);
      const name = `Person ${short(one.identity)}`;
      return h(
        "li",
        { class: "card found" },
        h("span", { class: "rank" }, h("span", { class: "visually-hidden" }, "Rank "), one.rank),
        h("div", { class: "portrait" }, picture(one.crop, `Visible picture from ${one.camera}`)),
        h("div", {},
          h("h3", {}, may("view") ? h("a", { href: `#/person/${encodeURIComponent(one.identity)}` }, name) : name),
          h("p", { class: "probability" }, h("meter", { min: 0, max: 1, value: one.probability ?? 0, "aria-hidden": "true" }), h("strong", {}, share(one.probability)), " ", h("span", { class: "quiet" }, `score ${one.score.toFixed(3)}`)),
          h("p", { class: "meta" }, h("strong", {}, one.camera), " ", when(one.start, one.end)),
          said ? h("p", { class: `moved ${said.verdict === "confirmed" ? "up" : "down"}` }, `${said.verdict} by ${said.by}${said.second ? ` and ${said.second}` : ""}`) : may("review") ? h("p", { class: "row" }, action("Yes", answer(one.identity, "confirm"), { "aria-label": `Yes, it is ${name}` }), action("No", answer(one.identity, "reject"), { "aria-label": `No, it is not ${name}` })) : null),
      );
    })),
  );
}
