import type { Row } from "./store-rows.ts";

/** A row that came (no `before`), went (no `after`) or changed. */
export interface RowChange {
  before?: Row;
  after?: Row;
}

/** What changed between two readings of a table, rows told apart by their key columns. Order plays no part. */
export function rowChanges(before: readonly Row[], after: readonly Row[], key: readonly string[]): RowChange[] {
  const keyOf = (row: Row) => JSON.stringify(key.map((column) => row[column]));
  const known = new Map(before.map((row) => [keyOf(row), row]));
  const changes: RowChange[] = [];
  for (const row of after) {
    const old = known.get(keyOf(row));
    known.delete(keyOf(row));
    if (!old) changes.push({ after: row });
    else if (changedColumns(old, row).length > 0) changes.push({ before: old, after: row });
  }
  for (const row of known.values()) changes.push({ before: row });
  return changes;
}

export function changedColumns(before: Row, after: Row, ignored: readonly string[] = []): string[] {
  return Object.keys(after)
    .filter((column) => !ignored.includes(column) && text(before[column]) !== text(after[column]))
    .sort();
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null);
}
