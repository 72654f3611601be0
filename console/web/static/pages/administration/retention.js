// Retention: for how long what is kept, what is left, and what went by which rule.

import { get, place } from "../../api.js";
import { field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { may } from "../../session.js";
import { table } from "../../tables.js";
import { count, moment } from "../../words.js";

const days = (value) => (value === null ? "for ever" : count(value, "day"));

const CLASSES = ["tracklets", "crops", "vectors", "captions", "links", "alerts"];
const GENERAL = [["outbox", "events"], ["dead_letters", "dead letters"], ["watches", "watches that are over"], ["audit_details", "what is personal in the audit log"]];

/** The tab. */
export async function retentionTab(root, stale) {
  const [{ rules }, report] = await Promise.all([get("/retention"), get("/retention/report")]);
  if (stale()) return;
  put(
    root,
    h("h2", {}, "Rules"),
    may("retention.manage") ? rulesForm(rules, () => retentionTab(root, stale)) : null,
    table("Rules", [
      ["What", ([what]) => what],
      ["Kept", ([, kept]) => days(kept ?? null)],
    ], [
      ...CLASSES.map((name) => [`${name} of every camera`, rules.days?.[name]]),
      ...Object.entries(rules.cameras ?? {}).flatMap(([camera, own]) => Object.entries(own).map(([name, kept]) => [`${name} of ${camera}`, kept])),
      ...GENERAL.map(([name, title]) => [title, rules[name]]),
    ], "No rules."),
    h("h2", {}, "Last report"),
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

/** Changes the rules of every camera, and those of none; what single cameras have of their own stays. */
function rulesForm(rules, again) {
  const number = (value) => h("input", { type: "number", min: 0, step: "any", value: value ?? "", placeholder: "for ever" });
  const ofCameras = CLASSES.map((name) => [name, number(rules.days?.[name])]);
  const general = GENERAL.map(([name, title]) => [name, title, number(rules[name])]);
  const read = (input) => (input.value === "" ? null : Number(input.value));
  async function keep(event) {
    event.preventDefault();
    const wanted = { ...rules, days: Object.fromEntries(ofCameras.map(([name, input]) => [name, read(input)])) };
    for (const [name, , input] of general) wanted[name] = read(input);
    const kept = await during("Keeping the rules…", () => place("/retention", { rules: wanted }));
    if (!kept) return;
    await again();
    say("Kept. Workers whose settings name no rules of their own enforce them.");
  }
  const form = h(
    "form",
    { class: "card pad", "aria-label": "Change the rules" },
    h("details", {},
      h("summary", {}, "Change the rules"),
      h("p", { class: "quiet" }, "Days after capture; empty is for ever. Rules of single cameras are changed in the workers’ settings, or over the API."),
      h("div", { class: "filter-fields" }, ofCameras.map(([name, input]) => field(`${name}, days`, input)), general.map(([, title, input]) => field(`${title}, days`, input))),
      h("p", { class: "row" }, h("button", { class: "action main-action" }, "Keep these rules"))),
  );
  form.addEventListener("submit", keep);
  return form;
}
