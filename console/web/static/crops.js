// Pictures of people, and where and when they were seen.

import { h } from "./dom.js";
import { hour, span } from "./words.js";

/** A picture, or a word where none is kept. */
export function picture(address, told, attributes = {}) {
  if (!address) return h("span", { class: "no-picture" }, "no picture kept");
  const image = h("img", { src: address, alt: told, loading: "lazy", decoding: "async", ...attributes });
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "no-picture" }, "picture gone")), { once: true });
  return image;
}

/** What a camera records, as a word with a colour. */
export const light = (seen) => h("span", { class: `light ${seen.modality}` }, seen.spectrum === "visible" ? "visible" : seen.spectrum === "near" ? "near infrared" : seen.spectrum === "thermal" ? "thermal" : seen.modality);

/** From when to when, broken over lines only between date and time. */
export function when(start, end) {
  const [date, ...times] = span(start, end).split(" ");
  return h("span", { class: "quiet" }, h("span", { class: "nowrap" }, date), " ", h("span", { class: "nowrap" }, times.join(" ")));
}

/** Camera and time of a tracklet, in one line. */
export const place = (seen) => h("span", { class: "place" }, h("strong", {}, seen.camera), " ", when(seen.start, seen.end));

/** A strip of tracklets: the crop, below it camera and hour. */
export function strip(tracklets, label) {
  return h(
    "ul",
    { class: "strip", "aria-label": label },
    tracklets.map((one) =>
      h("li", {}, picture(one.crop, `${one.modality} picture from ${one.camera}`), h("span", { class: "quiet" }, one.camera, h("br"), hour(one.start))),
    ),
  );
}

/** A button's worth of a tracklet, to pick it. */
export function pickable(one, picked, choose) {
  return h(
    "button",
    { type: "button", class: "pick", "aria-pressed": String(picked), onclick: () => choose(one), "data-tracklet": one.tracklet },
    picture(one.crop, ""),
    h("span", {}, h("strong", {}, one.camera), h("br"), when(one.start, one.end)),
  );
}
