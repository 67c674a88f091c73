/**
 * An error's words without the values in them: PostgreSQL quotes what it refuses, and that may be a person's. Names that
 * follow "relation", "constraint" and the like are ours and stay.
 */
export function withoutValues(text: string): string {
  return text
    .replace(/(\b(?:relation|constraint|column|table|index|type|function) )?"([^"]*)"?/g, (whole, kind) =>
      kind === undefined ? '"…"' : whole,
    )
    .replace(/\d{5,}/g, "…");
}
