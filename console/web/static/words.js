// Times, shares and counts in words, as the night report words them. All times are UTC.

const two = (number) => String(number).padStart(2, "0");
const day = (time) => `${time.getUTCFullYear()}-${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}`;
const clock = (time) => `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;

/** A moment: `2026-11-20 18:00:07 UTC`. */
export function moment(iso) {
  if (!iso) return "";
  const time = new Date(iso);
  return `${day(time)} ${clock(time)} UTC`;
}

/** From when to when, the second date only where it differs. */
export function span(start, end) {
  if (!start || !end) return moment(start ?? end);
  const [first, last] = [new Date(start), new Date(end)];
  return `${day(first)} ${clock(first)} – ${day(first) === day(last) ? "" : `${day(last)} `}${clock(last)} UTC`;
}

/** The time of day alone. */
export const hour = (iso) => (iso ? clock(new Date(iso)) : "");

/** The date alone. */
export const date = (iso) => (iso ? day(new Date(iso)) : "");

/** A probability in whole percent, never a false certainty. */
export function share(value) {
  if (value === null || value === undefined) return "not calibrated";
  if (value < 0.005) return "<1 %";
  return value > 0.995 ? ">99 %" : `${Math.round(100 * value)} %`;
}

/** A number with its noun. */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** The beginning of an id, enough to tell it from others. */
export const short = (id) => String(id ?? "").slice(0, 8);

/** What somebody types into a date field, taken as UTC, as ISO 8601; `undefined` where it is empty. */
export const typed = (value) => (value ? `${value.length === 16 ? `${value}:00` : value}Z` : undefined);

/** "1st", "2nd", "3rd", "4th". */
export function ordinal(number) {
  const rest = number % 100;
  const end = rest > 10 && rest < 14 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th";
  return `${number}${end}`;
}
