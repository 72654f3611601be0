// Who is signed in, what they may do, and the purpose of what they do.

import { get, post, place, remove, useToken } from "./api.js";
import { field, fresh, h, put } from "./dom.js";

let current = null;
let ways = [];

/** Who is signed in, or `null`. */
export const who = () => current;
/** Whether one can sign in at an identity provider too. */
export const signsInElsewhere = () => ways.includes("oidc");
/** Whether they may do something. */
export const may = (permission) => Boolean(current?.permissions?.includes(permission));

function take(session) {
  current = session;
  useToken(session?.csrf);
  return session;
}

/** Ask the server who is signed in. */
export async function restore() {
  try {
    return take(await get("/session", {}, { signingIn: true }));
  } catch (refusal) {
    if (refusal.status === 401) return forget(refusal);
    throw refusal;
  }
}

/** Sign in; the session has its purpose from the start. */
export async function signIn(name, password, purpose, reference) {
  return take(await post("/session", { name, password, purpose: purpose || null, case: reference || null }, { signingIn: true }));
}

/** Sign out. */
export async function signOut() {
  await remove("/session");
  await restore();
}

/** Say from now on what it is done for. */
export async function statePurpose(purpose, reference) {
  return take({ ...current, ...(await place("/session/purpose", { purpose, case: reference || null })) });
}

/** Forget who was signed in: the server did, and said how to sign in again. */
export function forget(refusal) {
  ways = refusal?.problem.sign_in ?? ways;
  return take(null);
}

/** Ask what it is done for; answers whether it was said. */
export function askPurpose(why) {
  const dialog = document.getElementById("ask");
  const purpose = h("input", { id: fresh("purpose"), required: true, maxlength: 500, value: current?.purpose ?? "" });
  const reference = h("input", { id: fresh("case"), maxlength: 200, value: current?.case ?? "" });
  const refused = h("p", { role: "alert", class: "refused" });
  return new Promise((answer) => {
    let said = false;
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, "What is it for?"),
      h("p", {}, why ?? "Searches, views and decisions are recorded with their purpose."),
      field("Purpose", purpose),
      field("Case", reference, "Its number, where there is one."),
      refused,
      h("p", { class: "row" }, h("button", { class: "action main-action" }, "Go on"), h("button", { type: "button", class: "action", onclick: () => dialog.close() }, "Cancel")),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await statePurpose(purpose.value.trim(), reference.value.trim());
        said = true;
        dialog.close();
      } catch (refusal) {
        put(refused, refusal.message, " ", refusal.hint);
      }
    });
    dialog.addEventListener("close", () => answer(said), { once: true });
    put(dialog, form);
    dialog.showModal();
    purpose.focus();
  });
}
