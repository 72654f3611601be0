// The pages, in the order of the menu. Each says which permissions open it: one of them is enough.

import { administrationPage } from "./pages/administration.js";
import { findPage } from "./pages/finding.js";
import { nightPage } from "./pages/night.js";
import { personPage } from "./pages/person.js";
import { reviewPage } from "./pages/review.js";
import { trackletPage } from "./pages/tracklet.js";
import { watchesPage } from "./pages/watches.js";

export const pages = [
  { name: "find", title: "Find", key: "f", needs: ["search"], open: findPage },
  { name: "person", heading: "Person", needs: ["view"], open: personPage },
  { name: "tracklet", heading: "Tracklet", needs: ["view"], open: trackletPage },
  { name: "night", title: "Night", key: "g", needs: ["live"], open: nightPage },
  { name: "review", title: "Review", key: "v", needs: ["review"], open: reviewPage },
  { name: "watches", title: "Watches", key: "w", needs: ["alerts.read"], open: watchesPage },
  { name: "administration", title: "Administration", key: "m", needs: ["status"], open: administrationPage },
];
