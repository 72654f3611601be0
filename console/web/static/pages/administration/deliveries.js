// Deliveries: which alert which webhook was told of, which waits, which was given up and why.

import { get, post } from "../../api.js";
import { action, field, h, put } from "../../dom.js";
import { during, say } from "../../say.js";
import { table } from "../../tables.js";
import { moment } from "../../words.js";

const STATES = ["waiting", "delivered", "given up", "gone"];
const AGAIN = new Set(["waiting", "given up"]);

/** The tab. */
export async function deliveriesTab(root, stale) {
  const state = h("select", {}, h("option", { value: "" }, "all"), STATES.map((one) => h("option", {}, one)));
  const list = h("div");
  async function fill() {
    const { deliveries } = await get("/webhooks/deliveries", { state: state.value });
    if (stale()) return;
    put(
      list,
      table("Deliveries", [
        ["Alert", (one) => one.alert],
        ["Webhook", (one) => one.webhook],
        ["State", (one) => h("span", { class: one.state === "given up" ? "refused" : "" }, one.state)],
        ["Tries", (one) => one.attempts],
        ["Tried last", (one) => moment(one.tried)],
        ["Next", (one) => moment(one.due)],
        ["Answer", (one) => [one.status, one.error].filter(Boolean).join(": ")],
        ["", (one) => (AGAIN.has(one.state) ? action("Try again", () => again(one), { "aria-label": `Try again to tell ${one.webhook} of alert ${one.alert}` }) : null)],
      ], [...deliveries].reverse(), "No alert was or is to be delivered. Webhooks are named in the workers’ settings."),
    );
  }
  async function again(one) {
    const done = await during("Putting it first in line…", () => post(`/webhooks/deliveries/${one.delivery}/retry`, {}));
    if (!done) return;
    await fill();
    say("It is tried again at once, by a worker.");
  }
  state.addEventListener("change", () => during("Looking…", fill));
  put(root, h("p", { class: "row" }, field("State", state)), list);
  await fill();
}
