// Review: uncertain links one after the other, one key each for yes, no and skip; and what waits for a second person.

import { get, post } from "../api.js";
import { light, picture, when } from "../crops.js";
import { action, field, h, put } from "../dom.js";
import { only } from "../keys.js";
import { complain, during, say } from "../say.js";
import { may } from "../session.js";
import { count, share, short } from "../words.js";
import { showProposals } from "./proposals.js";

const AHEAD = 5;

/** The page: the queue, and below it the proposals. */
export async function reviewPage(root, { stale }) {
  const queue = may("review") ? new Queue() : null;
  const proposals = may("review") ? h("section", { "aria-labelledby": "proposals-title" }) : null;
  put(root, h("h1", {}, "Review"), queue?.element, proposals);
  if (queue) {
    only(queue.keys());
    await queue.begin();
  }
  if (stale()) return;
  if (proposals) await showProposals(proposals);
}

class Queue {
  #waiting = [];
  #next = null;
  #skipped = new Set();
  #done = { confirmed: 0, rejected: 0, proposed: 0, skipped: 0 };
  #link = null;
  #choice = 0;
  #going = false;
  #turn = 0;
  #card = h("div", {});
  #told = h("p", { class: "quiet", role: "status", id: "reviewed" });
  #state = h("select", { onchange: () => this.begin().catch(complain) }, h("option", { value: "uncertain" }, "that are uncertain"), h("option", { value: "all" }, "that nobody has answered, sure ones too"));
  element = h("section", { "aria-labelledby": "queue-title" }, h("h2", { id: "queue-title" }, "Links"), field("Ask about links", this.#state), this.#told, this.#card);

  keys() {
    return [
      ["y", "Yes: it is this person", () => this.answer("confirm")],
      ["n", "No: it is not this person", () => this.answer("reject")],
      ["s", "Skip", () => this.skip()],
      ...[1, 2, 3, 4, 5].map((number) => [String(number), `Compare with candidate ${number}`, () => this.choose(number - 1)]),
    ];
  }

  async begin() {
    const turn = ++this.#turn;
    this.#waiting = [];
    this.#next = null;
    this.#card.setAttribute("aria-busy", "true");
    await this.#fetch();
    if (turn !== this.#turn) return;
    this.#card.removeAttribute("aria-busy");
    this.#advance();
  }

  async #fetch() {
    const turn = this.#turn;
    const page = await get("/links", { state: this.#state.value, limit: 20, cursor: this.#next });
    // Another kind of links was asked for meanwhile.
    if (turn !== this.#turn) return;
    this.#next = page.next;
    this.#waiting.push(...page.links.filter((link) => link.candidates.length && !link.judgements.length && !this.#skipped.has(link.tracklet.tracklet)));
  }

  #advance() {
    this.#link = this.#waiting.shift() ?? null;
    this.#choice = 0;
    this.#draw();
    if (this.#waiting.length < AHEAD && this.#next) this.#fetch().then(() => { if (!this.#link) this.#advance(); else this.#progress(); }).catch(complain);
  }

  #progress() {
    const done = this.#done;
    const parts = [`${count(done.confirmed, "link")} confirmed`, `${done.rejected} rejected`, done.proposed ? `${done.proposed} proposed to a second person` : "", `${done.skipped} skipped`].filter(Boolean);
    put(this.#told, `${this.#waiting.length + (this.#link ? 1 : 0)}${this.#next ? " or more" : ""} waiting · ${parts.join(", ")}`);
  }

  #draw() {
    this.#progress();
    const link = this.#link;
    if (!link) {
      put(this.#card, h("p", { class: "empty" }, "No link is waiting."), h("p", { class: "quiet" }, this.#done.skipped ? "What was skipped comes again when the page is opened again." : "New ones come with the footage of the night."));
      return;
    }
    const seen = link.tracklet;
    put(
      this.#card,
      h(
        "article",
        { class: "card two-sides", "aria-label": "Link to review", "data-tracklet": seen.tracklet },
        h("div", {}, h("h3", {}, "Seen by night"), h("div", { class: "portrait" }, picture(seen.crop, `Infrared picture from ${seen.camera}`, { loading: "eager" })), h("p", {}, h("strong", {}, seen.camera), " ", light(seen)), h("p", {}, when(seen.start, seen.end)), h("p", { class: "quiet" }, link.unknown === null ? "" : `Nobody of these: ${share(link.unknown)}`)),
        h("div", {}, h("h3", {}, "Is it this person?"), h("ol", { class: "choices" }, link.candidates.slice(0, 5).map((one, index) => this.#candidate(one, index)))),
        h("p", { class: "row answers" }, action("Yes (y)", () => this.answer("confirm"), { class: "action main-action" }), action("No (n)", () => this.answer("reject")), action("Skip (s)", () => this.skip())),
      ),
    );
  }

  #candidate(one, index) {
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "choice", "aria-pressed": String(index === this.#choice), onclick: () => this.choose(index), "data-identity": one.identity },
        h("span", { class: "rank" }, index + 1),
        h("span", { class: "portrait" }, picture(one.crop, `Candidate ${index + 1}, visible picture from ${one.camera}`, { loading: "eager" })),
        h("strong", {}, `Person ${short(one.identity)}`),
        h("br"),
        `${share(one.probability)} `,
        h("span", { class: "quiet" }, one.camera), " ", when(one.start, one.end),
      ),
    );
  }

  choose(index) {
    if (!this.#link || index >= this.#link.candidates.length) return;
    this.#choice = index;
    this.#card.querySelectorAll(".choice").forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
    say(`Candidate ${index + 1}, ${share(this.#link.candidates[index].probability)}.`);
  }

  async answer(verdict) {
    if (!this.#link || this.#going) return;
    const [link, one] = [this.#link, this.#link.candidates[this.#choice]];
    if (!one) return;
    this.#going = true;
    const done = await during("Keeping the answer…", () => post(`/links/${encodeURIComponent(link.tracklet.tracklet)}/${verdict}`, { identity: one.identity }));
    this.#going = false;
    if (!done) return;
    this.#done[done.done ? (verdict === "confirm" ? "confirmed" : "rejected") : "proposed"] += 1;
    say(done.done ? (verdict === "confirm" ? "Confirmed." : "Rejected.") : "Proposed: a second person has to agree.");
    this.#skipped.add(link.tracklet.tracklet);
    this.#advance();
  }

  skip() {
    if (!this.#link || this.#going) return;
    this.#skipped.add(this.#link.tracklet.tracklet);
    this.#done.skipped += 1;
    say("Skipped.");
    this.#advance();
  }
}
