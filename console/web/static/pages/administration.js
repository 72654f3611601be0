// Administration: one tab a subject, those that whoever is signed in may open.

import { h, put } from "../dom.js";
import { only } from "../keys.js";
import { may } from "../session.js";
import { accessTab } from "./administration/access.js";
import { auditTab } from "./administration/audit.js";
import { deliveriesTab } from "./administration/deliveries.js";
import { erasuresTab } from "./administration/erasures.js";
import { retentionTab } from "./administration/retention.js";
import { systemTab } from "./administration/system.js";
import { usersTab } from "./administration/users.js";

const TABS = [
  { name: "system", title: "System", needs: "status", open: systemTab },
  { name: "users", title: "Users", needs: "users.read", open: usersTab },
  { name: "audit", title: "Audit", needs: "audit.read", open: auditTab },
  { name: "retention", title: "Retention", needs: "retention.read", open: retentionTab },
  { name: "erasures", title: "Erasures", needs: "erasures.read", open: erasuresTab },
  { name: "deliveries", title: "Deliveries", needs: "webhooks.manage", open: deliveriesTab },
  { name: "access", title: "My access", needs: "tokens", open: accessTab },
];

/** The page of `#/administration/TAB`. */
export async function administrationPage(root, { rest, query, stale }) {
  const tabs = TABS.filter((tab) => may(tab.needs));
  const tab = tabs.find((one) => one.name === rest[0]) ?? tabs[0];
  const body = h("section", { "aria-label": tab.title });
  put(
    root,
    h("h1", {}, `Administration: ${tab.title}`),
    h("nav", { class: "tabs", "aria-label": "Subjects" }, tabs.map((one) => h("a", { href: `#/administration/${one.name}`, "aria-current": one === tab ? "page" : null }, one.title))),
    body,
  );
  only(tabs.map((one, index) => [String(index + 1), one.title, () => { location.hash = `#/administration/${one.name}`; }]));
  await tab.open(body, stale, query);
}
