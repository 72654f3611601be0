// The one way to the server: the JSON API of /api/v1, as any other client has it.

export const ROOT = "/api/v1";
const SAFE = new Set(["GET", "HEAD"]);

/** What the server refused: its sentence, its hint, its code, the HTTP status. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.name = "Refusal";
    this.status = status;
    this.code = problem.code ?? `http-${status}`;
    this.hint = problem.hint ?? "";
    this.problem = problem;
  }
}

const hooks = { signedOut: () => {}, purpose: null };
/** What to do where a session has ended (`signedOut`) or a purpose is asked for (`purpose`, answers whether to go on). */
export const onRefusal = (set) => Object.assign(hooks, set);

let csrf = "";
/** The token that a session's own page sends with what changes something. */
export const useToken = (token) => { csrf = token ?? ""; };

function address(path, query) {
  const url = new URL(ROOT + path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") url.searchParams.append(name, one);
    }
  }
  return url;
}

async function send(method, path, { query, body, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (!SAFE.has(method) && csrf) headers["Nightreid-Csrf"] = csrf;
  let content = body;
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    content = JSON.stringify(body);
  }
  try {
    return await fetch(address(path, query), { method, headers, body: content, signal, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, { code: "away", detail: "The server does not answer.", hint: "Check the connection, then try again." });
  }
}

async function problemOf(answer) {
  try {
    return await answer.json();
  } catch {
    return {};
  }
}

/** Call the API and answer its JSON; `null` where it answers nothing. */
export async function call(method, path, options = {}) {
  const answer = await send(method, path, options);
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const refusal = new Refusal(answer.status, await problemOf(answer));
  if (answer.status === 401 && !options.signingIn) hooks.signedOut(refusal);
  if (refusal.code === "purpose-needed" && hooks.purpose && (await hooks.purpose(refusal))) {
    return call(method, path, options);
  }
  throw refusal;
}

export const get = (path, query, options = {}) => call("GET", path, { ...options, query });
export const post = (path, body, options = {}) => call("POST", path, { ...options, body });
export const change = (path, body, options = {}) => call("PATCH", path, { ...options, body });
export const place = (path, body, options = {}) => call("PUT", path, { ...options, body });
export const remove = (path, options = {}) => call("DELETE", path, options);

/** All items of a listing, page by page, to a limit. */
export async function all(path, query, name, most = 500) {
  const found = [];
  let cursor;
  do {
    const page = await get(path, { ...query, cursor });
    found.push(...page[name]);
    cursor = page.next;
  } while (cursor && found.length < most);
  return found;
}
