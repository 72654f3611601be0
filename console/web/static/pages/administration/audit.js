// The audit log, for auditors: who did what, and why; checking it; taking it out.

import { ROOT, get } from "../../api.js";
import { action, field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { may } from "../../session.js";
import { table } from "../../tables.js";
import { count, moment } from "../../words.js";

const pairs = (about) => Object.entries(about).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

/** The tab. */
export async function auditTab(root, stale) {
  const fields = { actor: h("input", { maxlength: 255 }), action: h("input", { maxlength: 255, placeholder: "search" }), case: h("input", { maxlength: 255 }), subject: h("input", { maxlength: 255 }) };
  const lines = h("div", {});
  const more = h("p", { class: "row" });
  const checked = h("div", { role: "status" });
  let entries = [];

  async function fill(cursor) {
    const asked = Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, input.value.trim()]));
    const page = await during("Reading the log…", () => get("/audit", { ...asked, limit: 50, cursor }));
    if (!page || stale()) return;
    entries = cursor ? [...entries, ...page.entries] : page.entries;
    put(lines, table("Audit log", [
      ["Row", (one) => one.number],
      ["Time", (one) => h("span", { class: "nowrap" }, moment(one.time))],
      ["Who", (one) => one.actor],
      ["Did", (one) => one.action],
      ["Purpose", (one) => (one.forgotten.includes("purpose") ? h("span", { class: "quiet" }, "erased") : one.purpose ?? "")],
      ["Case", (one) => one.case ?? ""],
      ["About", (one) => h("span", { class: "ids" }, pairs(one.subject))],
      ["Details", (one) => h("span", { class: "ids" }, one.forgotten.includes("details") ? "erased" : pairs(one.details))],
    ], entries, "Nothing of this kind is in the log."));
    put(more, page.next ? action("Earlier ones", () => fill(page.next)) : null);
  }

  async function verify() {
    const found = await during("Checking the whole log…", () => get("/audit/verification"));
    if (!found) return;
    put(checked, h("div", { class: `card pad ${found.whole ? "whole" : "broken"}` }, h("p", {}, h("strong", {}, found.whole ? `Whole: ${count(found.rows, "row")}.` : "The log was changed behind its back."), ` ${count(found.checkpoints, "checkpoint")} agreed with, ${count(found.forgotten, "personal part")} erased.`), found.findings.map((one) => h("p", { class: "refused" }, one.message)), found.notices.map((one) => h("p", { class: "quiet" }, one))));
    say(found.whole ? "The log is whole." : "The log was changed.");
  }

  const form = h("form", { class: "card pad", "aria-label": "Search the log" }, h("div", { class: "filter-fields" }, field("Who", fields.actor), field("Did", fields.action), field("Case", fields.case), field("About (an id)", fields.subject)), h("p", { class: "row" }, h("button", { class: "action main-action" }, "Show"), action("Check the log", verify), may("audit.export") ? [h("a", { class: "action", href: `${ROOT}/audit/export?format=csv`, download: "" }, "Export as CSV"), h("a", { class: "action", href: `${ROOT}/audit/export?format=jsonl`, download: "" }, "as JSON lines")] : null));
  form.addEventListener("submit", (event) => { event.preventDefault(); fill(); });
  put(root, form, checked, lines, more);
  await fill();
}
