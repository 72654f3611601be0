// Alerts as cards, for the night view and the watches.

import { picture, when } from "../crops.js";
import { post } from "../api.js";
import { action, h } from "../dom.js";
import { during } from "../say.js";
import { may } from "../session.js";
import { share, short } from "../words.js";

/** One alert; whoever notes it, notes it for all. */
export function alertCard(one) {
  const noted = one.acknowledged_by ? h("span", { class: "quiet" }, `Noted by ${one.acknowledged_by}`) : action("Note it", async (button) => {
    const now = await during("Noting…", () => post(`/alerts/${one.alert}/acknowledge`));
    if (now) button.replaceWith(h("span", { class: "quiet" }, `Noted by ${now.acknowledged_by}`));
  }, { "aria-label": `Note the alert of ${one.name}, ${one.camera}` });
  return h(
    "li",
    { class: "card feed-item alert", "data-alert": one.alert, "data-watch": one.watch },
    picture(one.crop, `${one.modality} picture from ${one.camera}`),
    h(
      "div",
      {},
      h("p", {}, h("strong", {}, "Alert: "), one.name),
      h("p", {}, h("strong", {}, one.camera), " ", when(one.start, one.end)),
      h("p", { class: "quiet" }, one.false_alarms === null || one.false_alarms === undefined ? "Not calibrated." : `Chance brings about ${one.false_alarms.toFixed(2)} such alerts a night.`, one.probability === null || one.probability === undefined ? "" : ` Link ${share(one.probability)}.`, one.repeats ? " Seen again shortly after." : ""),
      may("view") ? h("p", { class: "row" }, h("a", { href: `#/tracklet/${encodeURIComponent(one.tracklet)}` }, "Look"), one.identity ? h("a", { href: `#/person/${encodeURIComponent(one.identity)}` }, `Person ${short(one.identity)}`) : null, noted) : null,
    ),
  );
}
