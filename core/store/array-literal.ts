/**
 * A PostgreSQL array as one text, `{"a","b",NULL}`. The driver makes the same through a general routine for each element;
 * for the sets that a batch writes that was a seventh of a worker's time. Undefined for what the driver must do itself
 * (bytes, nested arrays).
 */
export function arrayLiteral(values: readonly unknown[]): string | undefined {
  const parts: string[] = [];
  for (const value of values) {
    const part = elementOf(value);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return `{${parts.join(",")}}`;
}

function elementOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  return value instanceof Date ? quoted(value.toISOString()) : undefined;
}

const special = /["\\]/;

function quoted(text: string): string {
  return special.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
}
