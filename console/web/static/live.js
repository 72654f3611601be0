// What comes in, as it comes in: server-sent events. A plain EventSource goes on in a background tab and comes back by
// itself where the connection was lost.

import { ROOT } from "./api.js";

/**
 * Listen: `on(kind, data)` for each event, `missed()` where more happened than is told, `state(word)` as the connection
 * is `open`, `lost` or `over`. Answers how to stop.
 */
export function listenLive(kinds, on, missed, state) {
  const source = new EventSource(`${ROOT}/live`);
  for (const kind of kinds) source.addEventListener(kind, (event) => on(kind, JSON.parse(event.data)));
  source.addEventListener("missed", missed);
  source.addEventListener("open", () => state("open"));
  source.addEventListener("error", () => state(source.readyState === EventSource.CLOSED ? "over" : "lost"));
  return () => source.close();
}
