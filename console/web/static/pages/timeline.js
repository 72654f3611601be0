// A person's timeline: one row a camera, day and night apart from each other by colour, gaps closed up.

import { s } from "../dom.js";
import { date, hour, span } from "../words.js";

const LEFT = 120, ROW = 34, BAR = 16, TOP = 40, LEAST = 10, PLOT = 760, GAP = 46;
const QUIET_MS = 10 * 60_000;

/** Stretches of time in which something was seen; what lies between is left out of the drawing. */
function stretches(stays) {
  const found = [];
  for (const stay of [...stays].sort((a, b) => new Date(a.start) - new Date(b.start))) {
    const [start, end] = [+new Date(stay.start), +new Date(stay.end)];
    const last = found.at(-1);
    if (last && start - last.end < QUIET_MS) last.end = Math.max(last.end, end);
    else found.push({ start, end });
  }
  return found;
}

function scale(found) {
  const least = 15_000;
  const lengths = found.map((one) => Math.max(one.end - one.start, least));
  const total = lengths.reduce((sum, one) => sum + one, 0);
  const room = Math.max(PLOT - GAP * (found.length - 1), 80 * found.length);
  let at = LEFT;
  found.forEach((one, index) => {
    one.left = at;
    one.width = Math.max((room * lengths[index]) / total, 60);
    at += one.width + GAP;
  });
  return at - GAP;
}

function x(found, time) {
  const one = found.find((stretch) => time >= stretch.start && time <= stretch.end);
  return one.left + (one.width * (time - one.start)) / Math.max(one.end - one.start, 15_000);
}

/** The drawing; every bar is a link to its stay below. */
export function timeline(stays, anchor) {
  const found = stretches(stays);
  const width = scale(found) + 20;
  const cameras = [...new Set(stays.map((one) => one.camera))];
  const height = TOP + ROW * cameras.length + 8;
  const rows = cameras.map((camera, index) => {
    const y = TOP + ROW * index;
    return [
      found.map((one) => s("rect", { class: "recorded", x: one.left - 4, y: y + 3, width: one.width + 8, height: ROW - 6, rx: 4 })),
      s("text", { class: "camera", x: 4, y: y + ROW / 2 + 4 }, camera),
    ];
  });
  const heads = found.map((one) => [
    s("text", { class: "date", x: one.left, y: 14 }, date(new Date(one.start).toISOString())),
    s("text", { class: "tick", x: one.left, y: 30 }, hour(new Date(one.start).toISOString())),
  ]);
  const bars = stays.map((stay) => {
    const left = x(found, +new Date(stay.start));
    const wide = Math.max(x(found, +new Date(stay.end)) - left, LEAST);
    const y = TOP + ROW * cameras.indexOf(stay.camera) + (ROW - BAR) / 2;
    const kind = stay.modality === "visible" ? "visible" : "linked";
    const told = `${stay.camera}, ${stay.modality}, ${span(stay.start, stay.end)}`;
    return s("a", { href: `#${anchor(stay)}`, class: `bar ${kind}`, "aria-label": told, "data-anchor": anchor(stay) }, s("title", {}, told), s("rect", { x: left, y, width: wide, height: BAR, rx: 3 }));
  });
  const drawing = s("svg", { class: "timeline", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Timeline across cameras" }, rows, heads, bars);
  drawing.addEventListener("click", (event) => {
    const bar = event.target.closest("[data-anchor]");
    if (!bar) return;
    event.preventDefault();
    const target = document.getElementById(bar.dataset.anchor);
    target?.scrollIntoView({ block: "center" });
    target?.focus();
  });
  return drawing;
}
