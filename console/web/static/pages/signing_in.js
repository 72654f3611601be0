// Signing in, with what it is for.

import { field, h, put } from "../dom.js";
import { ROOT } from "../api.js";
import { signIn, signsInElsewhere } from "../session.js";

const CAME_BACK = {
  refused: "You were not signed in. Whoever administers nightreid finds the reason in the audit log.",
  away: "The identity provider does not answer. Try again, or sign in with a password.",
};

/** Why somebody came back from the provider without being signed in; said once. */
function cameBack() {
  const why = CAME_BACK[new URLSearchParams(location.hash.split("?")[1]).get("sign-in")];
  if (why) history.replaceState(null, "", "#/");
  return why ?? "";
}

/** The form; `done` opens the page that was asked for. */
export async function signInPage(root, done) {
  const name = h("input", { autocomplete: "username", required: true, maxlength: 200, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { type: "password", autocomplete: "current-password", required: true, maxlength: 1000 });
  const purpose = h("input", { maxlength: 500, autocomplete: "off" });
  const reference = h("input", { maxlength: 200, autocomplete: "off" });
  const refused = h("p", { class: "refused", role: "alert" }, cameBack());
  const button = h("button", { class: "action main-action" }, "Sign in");
  const form = h(
    "form",
    { class: "card pad narrow" },
    field("Name", name),
    field("Password", password),
    field("Purpose", purpose, "What you will search for today, and why. It is recorded with every search and can be changed later."),
    field("Case", reference, "Its number, where there is one."),
    refused,
    h("p", { class: "row" }, button, signsInElsewhere() ? h("a", { class: "action", href: `${ROOT}/session/oidc` }, "Sign in with your organisation") : null),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    put(refused);
    try {
      await signIn(name.value.trim(), password.value, purpose.value.trim(), reference.value.trim());
      await done();
    } catch (refusal) {
      put(refused, refusal.message, " ", refusal.hint ?? "");
      password.value = "";
      password.focus();
    } finally {
      button.disabled = false;
    }
  });
  put(root, h("h1", {}, "Sign in"), form);
  name.focus();
}
