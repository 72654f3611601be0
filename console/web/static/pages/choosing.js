// Choosing another person by their pictures: whoever is most like this one, or fits words.

import { post } from "../api.js";
import { picture } from "../crops.js";
import { action, field, h, put } from "../dom.js";
import { during, say } from "../say.js";
import { count, share, short } from "../words.js";

const SHOWN = 12;

/** What chooses one: `element`, and `chosen()`, the id of whom, or null. */
export function personChooser(person) {
  const words = h("input", { maxlength: 2000, autocapitalize: "none" });
  const list = h("ul", { class: "picks", "aria-label": "People to choose from" });
  const told = h("p", { class: "quiet", role: "status" }, "Nobody chosen yet.");
  const first = person.timeline[0]?.tracklet;
  let chosen = null;

  function choose(one) {
    chosen = one.identity;
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.other === chosen));
    put(told, `Chosen: person ${short(chosen)}.`);
  }
  async function look(text, asked) {
    const answer = await during(text, () => post("/searches", { ...asked, limit: SHOWN + 1 }));
    if (!answer) return;
    const others = answer.identities.filter((one) => one.identity !== person.identity).slice(0, SHOWN);
    chosen = null;
    put(list, others.map((one) => h("li", {}, card(one, choose))));
    put(told, others.length ? `${count(others.length, "person", "people")} of ${answer.searched.toLocaleString("en")}, the most alike first. Choose one.` : "Nobody else was found.");
  }
  const alike = () => look("Looking for whoever is alike…", { tracklet: first });
  const described = () => (words.value.trim() ? look("Comparing everybody with the description…", { text: words.value.trim() }) : say("Describe the other person first."));
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    described();
  });
  const element = h(
    "fieldset",
    {},
    h("legend", {}, "Other person"),
    h("p", { class: "quiet" }, "Whom a tracklet is moved to, or who is merged into this one."),
    h("p", { class: "row" }, first ? action("Show who is most alike", alike) : null),
    field("Described as", words),
    h("p", { class: "row" }, action("Look for them", described)),
    told,
    list,
  );
  return { element, chosen: () => chosen };
}

function card(one, choose) {
  const seen = one.tracklets[0];
  const cameras = [...new Set([one.evidence.camera, ...one.tracklets.map((each) => each.camera)])].filter(Boolean);
  return h(
    "button",
    { type: "button", class: "pick", "aria-pressed": "false", "data-other": one.identity, onclick: () => choose(one) },
    picture(one.evidence.crop ?? seen?.crop, ""),
    h("span", {}, h("strong", {}, `Person ${short(one.identity)}`), h("br"), cameras.join(", "), h("br"), share(one.probability)),
  );
}
