// The night, live: infrared tracklets, links and alerts as they come.

import { get } from "../api.js";
import { light, picture, when } from "../crops.js";
import { h, put } from "../dom.js";
import { only } from "../keys.js";
import { listenLive } from "../live.js";
import { say } from "../say.js";
import { may } from "../session.js";
import { count, share, short } from "../words.js";
import { alertCard } from "./alerts.js";

const KEPT = 200;

/** The page; it goes on while its tab is in the background, and counts in the tab's title. */
export async function nightPage(root, { stale }) {
  const feed = h("ol", { class: "feed", "aria-label": "What came in, newest first" });
  const alerts = h("ol", { class: "feed", "aria-label": "Alerts, newest first" });
  const connection = h("p", { class: "quiet", role: "status" }, "Connecting…");
  const empty = h("p", { class: "empty" }, "Infrared tracklets and links stand here as they come, while a run or a worker watches the cameras.");
  const seen = { tracklet: 0, link: 0, alert: 0 };
  let unread = 0;

  const title = () => { document.title = `${unread ? `(${unread}) ` : ""}Night · nightreid`; };
  const back = () => { if (!document.hidden) { unread = 0; title(); } };
  document.addEventListener("visibilitychange", back);

  function came(kind, data) {
    seen[kind] += 1;
    if (kind === "alert") {
      hint.hidden = true;
      alerts.prepend(alertCard(data));
      say(`Alert: ${data.name}, camera ${data.camera}.`);
      if (document.hidden) unread += 1;
      title();
    } else {
      const known = kind === "link" && feed.querySelector(`[data-tracklet="${CSS.escape(data.tracklet?.tracklet ?? data.tracklet)}"]`);
      const card = kind === "link" ? linkCard(data) : trackletCard(data);
      if (known) known.replaceWith(card);
      else feed.prepend(card);
      while (feed.children.length > KEPT) feed.lastElementChild.remove();
    }
    empty.hidden = feed.children.length > 0;
    put(counts, `${count(seen.tracklet, "tracklet")}, ${count(seen.link, "link")}, ${count(seen.alert, "alert")} since this page was opened.`);
  }

  const counts = h("p", {}, "Waiting for what comes.");
  const hint = h("p", { class: "quiet" }, may("watch") ? [h("a", { href: "#/watches" }, "Set a watch"), " to be told when somebody comes."] : "No alert yet.");
  put(
    root,
    h("h1", {}, "Night"),
    connection,
    may("alerts.read") ? [h("h2", {}, "Alerts"), hint, alerts] : null,
    h("h2", {}, "Coming in"),
    counts,
    empty,
    feed,
  );
  only([]);
  if (may("alerts.read")) {
    const { alerts: before } = await get("/alerts", { limit: 20 });
    if (stale()) return undefined;
    alerts.append(...before.map(alertCard));
    hint.hidden = before.length > 0;
  }
  const told = { open: "Live.", lost: "The connection was lost; it is tried again.", over: "No longer live. Open the page again." };
  const missed = () => say("More came in than is shown here. Open the page again for all of it.");
  const stop = listenLive(["tracklet", "link", "alert"], came, missed, (state) => put(connection, told[state]));
  return () => { stop(); document.removeEventListener("visibilitychange", back); };
}

function trackletCard(one) {
  return h(
    "li",
    { class: "card feed-item", "data-tracklet": one.tracklet },
    picture(one.crop, `${one.modality} picture from ${one.camera}`),
    h("div", {}, h("p", {}, h("strong", {}, one.camera), " ", light(one), " ", when(one.start, one.end)), may("view") ? h("p", { class: "row" }, h("a", { href: `#/tracklet/${encodeURIComponent(one.tracklet)}` }, "Pictures"), may("search") ? h("a", { href: `#/find?tracklet=${encodeURIComponent(one.tracklet)}` }, "Find alike") : null) : null),
  );
}

function linkCard(link) {
  const one = link.tracklet;
  const card = trackletCard(one);
  const first = link.candidates?.[0];
  card.classList.add("link");
  card.lastElementChild.append(h("p", {}, link.decision === "linked" && first ? ["Linked to ", may("view") ? h("a", { href: `#/person/${encodeURIComponent(first.identity)}` }, `Person ${short(first.identity)}`) : short(first.identity), ` (${share(first.probability)})`] : link.decision === "unknown" ? "Unknown: nobody is sure enough." : "Ranked, not calibrated."));
  if (first?.crop && link.decision === "linked") card.append(picture(first.crop, "Best fitting visible picture"));
  return card;
}
