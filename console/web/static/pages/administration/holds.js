// Legal holds: what is neither erased nor falls to retention.

import { get, post, remove } from "../../api.js";
import { action, field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { may } from "../../session.js";
import { table } from "../../tables.js";
import { moment, short, typed } from "../../words.js";

/** The part of the tab. */
export async function holds() {
  const list = h("div", {});
  async function fill() {
    const found = (await get("/holds")).holds;
    put(list, table("Legal holds", [
      ["Hold", (one) => one.hold],
      ["Of", (one) => `${one.kind} ${one.camera ?? short(one.subject)}`],
      ["From", (one) => moment(one.since)],
      ["Until", (one) => moment(one.until)],
      ["Reason", (one) => one.reason],
      ["By", (one) => `${one.by}, ${moment(one.time)}`],
      ...(may("hold.manage") ? [["", (one) => action("Lift", async () => { if (await during("Lifting…", () => remove(`/holds/${one.hold}`))) { await fill(); say("Lifted."); } }, { "aria-label": `Lift hold ${one.hold}` })]] : []),
    ], found, "Nothing is held."));
  }
  await fill();
  return [h("h2", {}, "Legal holds"), list, may("hold.manage") ? holdForm(fill) : null];
}

function holdForm(again) {
  const kind = h("select", {}, ["identity", "tracklet", "camera"].map((one) => h("option", {}, one)));
  const subject = h("input", { required: true, maxlength: 255, spellcheck: "false" });
  const since = h("input", { type: "datetime-local" });
  const until = h("input", { type: "datetime-local" });
  const reason = h("input", { required: true, maxlength: 2000 });
  const form = h(
    "form",
    { class: "card pad spaced", "aria-label": "Hold" },
    h("div", { class: "filter-fields" }, field("Kind", kind), field("Its id", subject), field("From (UTC)", since), field("Until (UTC)", until), field("Reason", reason)),
    h("p", {}, h("button", { class: "action" }, "Hold")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const made = await during("Holding…", () => post("/holds", { [kind.value]: subject.value.trim(), since: typed(since.value) ?? null, until: typed(until.value) ?? null, reason: reason.value.trim() }));
    if (!made) return;
    form.reset();
    await again();
    say("Held from now on.");
  });
  return form;
}
