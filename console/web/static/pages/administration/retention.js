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
  const [{ rules }, report, { cameras }] = await Promise.all([get("/retention"), get("/retention/report"), may("cameras.read") ? get("/cameras") : { cameras: [] }]);
  if (stale()) return;
  const again = () => retentionTab(root, stale);
  const changing = may("retention.manage");
  put(
    root,
    h("h2", {}, "Rules"),
    changing ? rulesForm(rules, again) : null,
    changing ? cameraForm(rules, cameras.map((one) => one.camera), again) : null,
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

const number = (value, placeholder) => h("input", { type: "number", min: 0, step: "any", value: value ?? "", placeholder });
const read = (input) => (input.value === "" ? null : Number(input.value));

async function keep(rules, again) {
  const kept = await during("Keeping the rules…", () => place("/retention", { rules }));
  if (!kept) return;
  await again();
  say("Kept. Workers whose settings name no rules of their own enforce them.");
}

/** Changes the rules of every camera, and those of none; what single cameras have of their own stays. */
function rulesForm(rules, again) {
  const ofCameras = CLASSES.map((name) => [name, number(rules.days?.[name], "for ever")]);
  const general = GENERAL.map(([name, title]) => [name, title, number(rules[name], "for ever")]);
  const form = h(
    "form",
    { class: "card pad", "aria-label": "Change the rules" },
    h("details", {},
      h("summary", {}, "Change the rules"),
      h("p", { class: "quiet" }, "Days after capture; empty is for ever."),
      h("div", { class: "filter-fields" }, ofCameras.map(([name, input]) => field(`${name}, days`, input)), general.map(([, title, input]) => field(`${title}, days`, input))),
      h("p", { class: "row" }, h("button", { class: "action main-action" }, "Keep these rules"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = { ...rules, days: Object.fromEntries(ofCameras.map(([name, input]) => [name, read(input)])) };
    for (const [name, , input] of general) wanted[name] = read(input);
    keep(wanted, again);
  });
  return form;
}

/** Changes what one camera has of its own. */
function cameraForm(rules, seen, again) {
  const names = [...new Set([...seen, ...Object.keys(rules.cameras ?? {})])].sort();
  if (!names.length) return null;
  const camera = h("select", {}, names.map((name) => h("option", { value: name }, name)));
  const fields = CLASSES.map((name) => {
    const how = h("select", {}, h("option", { value: "same" }, "as every camera"), h("option", { value: "ever" }, "for ever"), h("option", { value: "days" }, "days:"));
    const count = number(null, "");
    count.setAttribute("aria-label", `Days of ${name}`);
    how.addEventListener("change", () => { count.hidden = how.value !== "days"; count.required = !count.hidden; });
    return { name, how, count };
  });
  function fill() {
    const own = rules.cameras?.[camera.value] ?? {};
    for (const { name, how, count } of fields) {
      how.value = !(name in own) ? "same" : own[name] === null ? "ever" : "days";
      count.value = own[name] ?? "";
      how.dispatchEvent(new Event("change"));
    }
  }
  camera.addEventListener("change", fill);
  fill();
  const form = h(
    "form",
    { class: "card pad", "aria-label": "Rules of one camera" },
    h("details", {},
      h("summary", {}, "Rules of one camera"),
      h("div", { class: "filter-fields" }, field("Camera", camera), fields.map(({ name, how, count }) => h("div", {}, field(name, how), count))),
      h("p", { class: "row" }, h("button", { class: "action main-action" }, "Keep this camera’s rules"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const own = Object.fromEntries(fields.filter(({ how }) => how.value !== "same").map(({ name, how, count }) => [name, how.value === "ever" ? null : read(count)]));
    const cameras = { ...rules.cameras, [camera.value]: own };
    if (!Object.keys(own).length) delete cameras[camera.value];
    keep({ ...rules, cameras }, again);
  });
  return form;
}
