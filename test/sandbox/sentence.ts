const QUOTED_MAX = 40;
const SUMMARY_MAX = 80;

/** Characters that a terminal would hide or obey. JSON already escapes the control characters. */
const unprintable = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufffd]/g;

/** Words of a person, shortened and safe to print. */
export function quoted(text: string): string {
  return JSON.stringify(clipped(text, QUOTED_MAX)).replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Any JSON value in one line, the same for the same value. */
export function summary(value: unknown): string {
  return clipped(typeof value === "string" ? value : JSON.stringify(sorted(value)), SUMMARY_MAX);
}

function clipped(text: string, max: number): string {
  const characters = Array.from(text);
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : text;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
