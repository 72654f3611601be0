// What waits for a second person: shown, agreed to, declined or taken back.

import { get, post } from "../api.js";
import { picture } from "../crops.js";
import { action, h, put } from "../dom.js";
import { complain, during, say } from "../say.js";
import { may } from "../session.js";
import { hour, moment, short } from "../words.js";

const NAMES = { tracklet: "tracklet", tracklets: "tracklets", identity: "person", other: "other person" };
const PEOPLE = new Set(["identity", "other"]);
const ACTIONS = { "link.confirm": "Confirm a link", "link.reject": "Reject a link", "identity.merge": "Merge two people", "identity.split": "Split a person", "tracklet.move": "Move a tracklet", "watch.add": "Add a watch", erase: "Erase a person" };

/** Fill a section with what waits. */
export async function showProposals(section) {
  const { proposals } = await get("/proposals", { state: "open" });
  const again = () => showProposals(section).catch(complain);
  const open = proposals.filter((one) => one.state === "open");
  put(
    section,
    h("h2", { id: "proposals-title" }, "Waiting for a second person"),
    open.length ? h("ul", { class: "feed" }, open.map((one) => proposal(one, again))) : h("p", { class: "empty" }, "Nothing is waiting."),
  );
}

function proposal(one, again) {
  const pictures = h("ul", { class: "strip large", "aria-label": "What it is about" });
  show(pictures, one.subject);
  const decide = (verdict) => async () => {
    const done = await during("Deciding…", () => post(`/proposals/${one.proposal}/${verdict}`, {}));
    if (!done) return;
    await again();
    say(verdict === "approve" ? "Approved and done." : one.mine ? "Taken back." : "Declined.");
  };
  return h(
    "li",
    { class: "card pad proposal", "data-proposal": one.proposal },
    h("h3", {}, ACTIONS[one.action] ?? one.action),
    h("p", {}, `Proposed by ${one.by}, ${moment(one.time)}${one.reason ? `: ${one.reason}` : ""}`),
    pictures,
    subject(one.subject),
    one.mine ? [h("p", { class: "quiet" }, "You proposed it: somebody else has to agree."), h("p", {}, action("Take it back", decide("decline")))] : may("approve") ? h("p", { class: "row" }, action("Approve", decide("approve"), { class: "action main-action" }), action("Decline", decide("decline"))) : null,
  );
}

/** What a proposal is about: ids, of people as links. */
function subject(about) {
  return h(
    "dl",
    { class: "about" },
    Object.entries(about).filter(([name]) => name in NAMES).map(([name, value]) => h("div", {}, h("dt", {}, NAMES[name]), h("dd", {}, [value].flat().map((id) => (PEOPLE.has(name) ? h("a", { href: `#/person/${encodeURIComponent(id)}` }, short(id), " ") : `${short(id)} `))))),
  );
}

/** The pictures side by side: nobody should agree to what they have not seen. */
async function show(place, about) {
  const tracklets = [about.tracklet ?? [], about.tracklets ?? []].flat().slice(0, 4);
  const people = [about.identity, about.other].filter(Boolean);
  const seen = await Promise.all([
    ...tracklets.map((id) => get(`/tracklets/${encodeURIComponent(id)}`).then((one) => [one.crop, one.camera, one])),
    ...people.map((id) => get(`/identities/${encodeURIComponent(id)}`).then((one) => [one.timeline.find((stay) => stay.how === "member")?.crop, `Person ${short(id)}`, one.timeline[0]])),
  ].map((one) => one.catch(() => null)));
  put(place, seen.map((one) => (one ? h("li", {}, picture(one[0], one[1]), h("span", { class: "quiet" }, one[1], h("br"), hour(one[2].start))) : h("li", { class: "quiet" }, "gone"))));
}
