// Retention: for how long what is kept, what is left, and what went by which rule.

import { get } from "../../api.js";
import { h, put } from "../../dom.js";
import { table } from "../../tables.js";
import { count, moment } from "../../words.js";

const days = (value) => (value === null ? "for ever" : count(value, "day"));

/** The tab. The rules are set on the command line and in the API. */
export async function retentionTab(root, stale) {
  const report = await get("/retention/report");
  if (stale()) return;
  put(
    root,
    h("p", {}, report.enforced ? `Enforced last at ${moment(report.enforced)}.` : "Not enforced yet: a worker does it."),
    table("Retention", [
      ["What", (one) => one.what],
      ["Camera", (one) => one.camera ?? "all"],
      ["Kept", (one) => days(one.days)],
      ["Oldest left", (one) => h("span", { class: one.over ? "refused" : "" }, moment(one.oldest), one.over ? " (too old)" : "")],
      ["Held", (one) => one.held],
      ["Went", (one) => one.removed],
      ["Last", (one) => moment(one.last)],
    ], report.lines, "Nothing is kept yet."),
  );
}
