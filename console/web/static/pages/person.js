// One person: where and when, by day and by night, how that is known, and how to put it right.

import { get, post } from "../api.js";
import { light, picture, when } from "../crops.js";
import { action, field, fresh, h, put } from "../dom.js";
import { only } from "../keys.js";
import { during, say } from "../say.js";
import { may } from "../session.js";
import { count, hour, moment, share, short, span } from "../words.js";
import { personChooser } from "./choosing.js";
import { timeline } from "./timeline.js";

const HOW = { member: "by day", linked: "linked by the model", confirmed: "confirmed by a person" };

/** The page of `#/person/ID`. */
export async function personPage(root, { rest, stale }) {
  const [id] = rest;
  const person = await get(`/identities/${encodeURIComponent(id)}`);
  if (stale()) return;
  const again = () => { root.replaceChildren(); return personPage(root, { rest, stale }); };
  const anchor = (stay) => `stay-${stay.tracklet}`;
  const ticks = new Map();
  put(
    root,
    h("h1", {}, `Person ${short(person.identity)}`),
    h("p", { class: "lead" }, `${count(person.timeline.length, "tracklet")} in ${count(person.cameras.length, "camera")}, ${span(person.start, person.end)}.`),
    person.timeline.length ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Timeline, scrolls sideways" }, timeline(person.timeline, anchor)) : null,
    h("p", { class: "legend" }, h("span", {}, h("i", { class: "swatch visible" }), " visible"), h("span", {}, h("i", { class: "swatch linked" }), " infrared, linked")),
    h("h2", {}, "Seen"),
    h("ol", { class: "stays" }, person.timeline.map((stay) => stayCard(stay, anchor(stay), ticks, person))),
    may("correct") ? corrections(person, ticks, again) : null,
    h("p", { class: "row" },
      may("watch") ? h("a", { class: "action", href: `#/watches?identity=${encodeURIComponent(person.identity)}` }, "Watch for this person") : null,
      may("erase") ? h("a", { class: "action danger", href: `#/administration/erasures?identity=${encodeURIComponent(person.identity)}` }, "Erase this person") : null),
    person.corrections.length ? [h("h2", {}, "Put right"), h("ul", { class: "tips" }, person.corrections.map((one) => h("li", {}, `${one.kind} by ${one.by}, ${moment(one.time)}${one.reason ? `: ${one.reason}` : ""}${one.undone_by ? " (undone)" : ""}`)))] : null,
  );
  only([["s", "To what was seen", () => root.querySelector(".stays a, .stays input")?.focus()]]);
}

function stayCard(stay, id, ticks, person) {
  const member = stay.how === "member";
  const tick = member && may("correct") ? h("input", { type: "checkbox", id: fresh("tick") }) : null;
  if (tick) ticks.set(stay.tracklet, tick);
  return h(
    "li",
    { class: "card stay", id, tabindex: -1 },
    picture(stay.crop, `${stay.modality} picture from ${stay.camera}`),
    h(
      "div",
      {},
      h("p", {}, h("strong", {}, stay.camera), " ", light(stay)),
      h("p", {}, when(stay.start, stay.end)),
      h("p", { class: "quiet" }, HOW[stay.how] ?? stay.how, stay.probability === null || member ? "" : `, probability ${share(stay.probability)}`),
      h("p", { class: "row" }, may("search") ? h("a", { href: `#/find?tracklet=${encodeURIComponent(stay.tracklet)}`, "aria-label": `Find alike, ${stay.camera} ${hour(stay.start)}` }, "Find alike") : null, h("a", { href: `#/tracklet/${encodeURIComponent(stay.tracklet)}`, "aria-label": `Pictures, ${stay.camera} ${hour(stay.start)}` }, "Pictures"), tick ? h("label", { class: "check", for: tick.id }, tick, " somebody else") : null),
    ),
  );
}

/** Split, move and merge: each with a reason, each undone on the command line. */
function corrections(person, ticks, again) {
  const reason = h("input", { maxlength: 2000 });
  const other = personChooser(person);
  const ticked = () => [...ticks].filter(([, box]) => box.checked).map(([tracklet]) => tracklet);
  const here = encodeURIComponent(person.identity);

  /** `next` is whose page follows where nobody is left here. */
  async function correct(text, work, next = null) {
    const done = await during(text, work);
    if (!done) return;
    if (done.done && done.identity && done.identity !== person.identity && done.action?.includes("merge")) location.hash = `#/person/${encodeURIComponent(done.identity)}`;
    else if (done.done && next) location.hash = `#/person/${encodeURIComponent(next)}`;
    else await again();
    say(done.done ? "Done. It is kept who said so." : "Proposed. A second person has to approve it (Review).");
  }
  function split() {
    const tracklets = ticked();
    if (!tracklets.length) return say("Tick the tracklets of somebody else first.");
    return correct("Splitting…", () => post(`/identities/${here}/split`, { tracklets, revision: person.revision, reason: reason.value.trim() }));
  }
  function move() {
    const tracklets = ticked();
    if (tracklets.length !== 1 || !other.chosen()) return say("Tick one tracklet, and choose the other person.");
    return correct("Moving…", () => post(`/tracklets/${encodeURIComponent(tracklets[0])}/move`, { identity: other.chosen(), from_identity: person.identity, reason: reason.value.trim() }), ticks.size === 1 ? other.chosen() : null);
  }
  function merge() {
    if (!other.chosen()) return say("Choose the other person first.");
    return correct("Merging…", () => post(`/identities/${here}/merge`, { other: other.chosen(), revision: person.revision, reason: reason.value.trim() }));
  }
  return h(
    "details",
    { class: "card pad correct" },
    h("summary", {}, h("h2", {}, "Put right")),
    h("p", { class: "quiet" }, `This person’s id: `, h("code", {}, person.identity)),
    field("Reason", reason),
    other.element,
    h("p", { class: "row" }, action("Split what is ticked", split), action("Move what is ticked", move), action("Merge the other one into this", merge)),
  );
}
