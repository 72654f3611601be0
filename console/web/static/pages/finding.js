// Find: by words, by a picture, by tonight's infrared tracklet, by words with either.

import { get, post } from "../api.js";
import { h, put } from "../dom.js";
import { only } from "../keys.js";
import { complain, during, say } from "../say.js";
import { may } from "../session.js";
import { count } from "../words.js";
import { queryForm } from "./query_form.js";
import { Results } from "./results.js";

/** The page; the address may name a tracklet to begin with. */
export async function findPage(root, { query, stale }) {
  const { cameras } = may("cameras.read") ? await get("/cameras") : { cameras: [] };
  if (stale()) return undefined;
  const results = new Results();
  let running = null;

  async function search(asked, cursor = null) {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const by = [asked.text ? "the description" : "", asked.tracklet ? "the tracklet" : "", asked.picture ? "the picture" : ""].filter(Boolean).join(" and ");
    results.busy();
    const answer = await during(cursor ? "Fetching more people…" : `Comparing everybody with ${by}…`, () => post("/searches", { ...asked, cursor }, { signal }));
    if (signal.aborted) return;
    if (!answer) {
      results.idle();
      return;
    }
    results.show(answer, asked, cursor !== null, () => search(asked, answer.next));
    say(told(answer));
  }

  const form = queryForm(cameras, search, () => results.clear());
  put(root, h("h1", {}, "Find a person"), form.element, results.element);
  only([
    ["/", "To the description", form.focus],
    ["i", "Pick a tracklet of the night", form.pick],
    ["r", "To the results", () => results.focus()],
  ]);
  form.focus();
  if (query.get("tracklet")) await form.begin(query.get("tracklet")).catch(complain);
  return () => running?.abort();
}

function told(answer) {
  if (!answer.identities.length) return `Nobody found among ${count(answer.searched, "person", "people")}.`;
  return `${count(answer.identities.length, "person", "people")} shown of ${answer.searched.toLocaleString("en")} compared, the most alike first.`;
}
