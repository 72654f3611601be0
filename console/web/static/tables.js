// Tables that scroll sideways by themselves on a narrow screen.

import { h } from "./dom.js";

/** A table: `columns` of `[title, cell(row)]`; what it says where it is empty. */
export function table(label, columns, rows, empty) {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": `${label}, scrolls sideways` },
    h(
      "table",
      { "aria-label": label },
      h("thead", {}, h("tr", {}, columns.map(([title]) => h("th", { scope: "col" }, title || h("span", { class: "visually-hidden" }, "To do"))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map(([, cell], index) => h(index ? "td" : "th", index ? {} : { scope: "row" }, cell(row)))))),
    ),
  );
}

/** A list of names and values, as the night report has its facts. */
export const facts = (pairs) => h("dl", { class: "facts card pad" }, pairs.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
