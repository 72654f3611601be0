// An answer as a grid of people; where words were added, who moved and from where.

import { picture, strip, when } from "../crops.js";
import { action, h, put } from "../dom.js";
import { may } from "../session.js";
import { count, ordinal, share, short } from "../words.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Results {
  #grid = h("ol", { class: "grid", "aria-label": "People found" });
  #summary = h("div", { class: "summary-lines" });
  #more = h("p", { class: "row" });
  #before = null;
  #now = null;
  element = h("section", { "aria-labelledby": "found-title", hidden: true }, h("h2", { id: "found-title", tabindex: -1 }, "Found"), this.#summary, this.#grid, this.#more);

  /** Forget what was found before: somebody else is looked for. */
  clear() {
    this.#before = this.#now = null;
    this.element.hidden = true;
  }
  busy() { this.#grid.setAttribute("aria-busy", "true"); }
  idle() { this.#grid.removeAttribute("aria-busy"); }
  focus() { (this.#grid.querySelector("a") ?? this.element.querySelector("h2")).focus(); }

  /** Show a page of an answer; `further` asks for the next one. */
  show(answer, asked, appended, further) {
    this.idle();
    this.element.hidden = false;
    const key = JSON.stringify([asked.tracklet, asked.picture, asked.cameras, asked.since, asked.until]);
    const ranks = new Map(answer.identities.map((one) => [one.identity, one.rank]));
    if (appended) for (const [identity, rank] of ranks) this.#now.ranks.set(identity, rank);
    else {
      const same = this.#now && this.#now.key === key && (asked.tracklet || asked.picture) && this.#now.text !== asked.text;
      this.#before = same ? this.#now : null;
      this.#now = { key, ranks, text: asked.text };
    }
    const first = this.#places();
    const cards = answer.identities.map((one) => this.#card(one));
    if (appended) this.#grid.append(...cards);
    else put(this.#grid, cards);
    put(this.#more, answer.next ? action("More people", further) : null);
    if (!appended) {
      put(this.#summary, summary(answer, asked, this.#before));
      this.#glide(first);
    } else cards[0]?.querySelector("a")?.focus();
  }

  #moved(identity, rank) {
    if (!this.#before) return null;
    const before = this.#before.ranks.get(identity);
    const how = this.#before.text ? "with the other words" : "without the words";
    if (before === undefined) return h("span", { class: "moved up" }, `▲ was below ${ordinal(this.#before.ranks.size)} ${how}`);
    if (before === rank) return h("span", { class: "moved" }, `${ordinal(before)} before too`);
    return h("span", { class: `moved ${before > rank ? "up" : "down"}`, "data-before": before }, `${before > rank ? "▲" : "▼"} was ${ordinal(before)} ${how}`);
  }

  #card(one) {
    const best = one.evidence;
    const seen = one.tracklets.find((tracklet) => tracklet.tracklet === best.tracklet);
    const others = one.tracklets.filter((tracklet) => tracklet.tracklet !== best.tracklet);
    const title = `Person ${short(one.identity)}`;
    const name = may("view") ? h("a", { href: `#/person/${encodeURIComponent(one.identity)}` }, title) : title;
    return h(
      "li",
      { class: "card found", "data-identity": one.identity, "data-rank": one.rank },
      h("span", { class: "rank" }, h("span", { class: "visually-hidden" }, "Rank "), one.rank),
      h("div", { class: "portrait" }, picture(best.crop, `Best fitting picture, camera ${best.camera ?? "not known"}`)),
      h(
        "div",
        { class: "facts-of" },
        h("h3", {}, name),
        h("p", { class: "probability" }, h("meter", { min: 0, max: 1, value: one.probability ?? 0, "aria-hidden": "true" }), h("strong", {}, share(one.probability)), " ", h("span", { class: "quiet" }, `score ${one.score.toFixed(3)}`)),
        this.#moved(one.identity, one.rank),
        h("p", { class: "meta" }, h("strong", {}, best.camera ?? ""), " ", seen ? when(seen.start, seen.end) : "", best.kind === "caption" ? " · by its caption" : ""),
        counted(best.words),
        others.length ? strip(others.slice(0, 3), `Also seen, ${title}`) : null,
      ),
    );
  }

  #places() {
    return new Map([...this.#grid.children].map((card) => [card.dataset.identity, card.getBoundingClientRect()]));
  }

  #glide(first) {
    if (CALM.matches || !this.#before) return;
    for (const card of this.#grid.children) {
      const from = first.get(card.dataset.identity);
      if (!from) continue;
      const to = card.getBoundingClientRect();
      card.animate([{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }], { duration: 450, easing: "ease-out" });
    }
  }
}

/** Which words counted, for and against. */
function counted(words) {
  if (!words?.length) return null;
  return h("ul", { class: "chips", "aria-label": "Words that counted" }, words.map((one) => h("li", { class: one.share >= 0 ? "for" : "against" }, `${one.name} ${one.share >= 0 ? "+" : "−"}${Math.abs(one.share).toFixed(3)}`)));
}

function summary(answer, asked, before) {
  if (!answer.identities.length) return nobody(answer, asked);
  return [
    ...read(answer),
    answer.unknown === null ? null : h("p", {}, h("strong", {}, `Nobody of them: ${share(answer.unknown)}`)),
    notes(answer, [`model ${answer.model.slice(0, 12)}`]),
    before ? h("p", { class: "quiet" }, "Arrows say where each stood before the words changed.") : null,
  ];
}

/** How the words were read, where there are some. */
function read(answer) {
  const found = answer.understood;
  return [
    found ? h("p", { class: "understood" }, h("span", { class: "quiet" }, "Searched for: "), found.searched_for, found.told ? h("span", { class: "quiet" }, ` (${found.told})`) : "") : null,
    found?.left_out?.length ? h("p", { class: "quiet" }, `Left out, since nobody is searched by it: ${found.left_out.join(", ")}.`) : null,
  ];
}

/** What else whoever asks should know, in one line; what stands in bold already is not said twice. */
function notes(answer, more) {
  const said = [...answer.notes.filter((note) => !note.startsWith("nobody of them")), ...more];
  return h("p", { class: "quiet note" }, said.join(" · "));
}

function nobody(answer, asked) {
  const tips = [
    asked.least_probability ? "Lower the least probability in the filters." : null,
    asked.cameras || asked.since || asked.until ? "Take cameras or times away: perhaps the person was seen elsewhere." : null,
    asked.text ? "Say less: one garment and its colour finds more than many details that a witness may get wrong." : null,
    asked.text && (asked.tracklet || asked.picture) ? "Search without the words, or with the words alone." : null,
    !asked.text ? "Add words, or pick another picture of the person." : null,
  ].filter(Boolean);
  return [h("p", { class: "empty" }, answer.searched ? `Nobody found among ${count(answer.searched, "person", "people")}.` : "Nobody was seen there and then."), h("p", {}, "What to try:"), h("ul", { class: "tips" }, tips.map((tip) => h("li", {}, tip))), ...read(answer), notes(answer, [])];
}
