import { sql } from "#core/store/sql.ts";
import type { JobKind } from "./catalog.ts";

interface Queryable {
  query(statement: { text: string; values: unknown[] }): Promise<unknown>;
}

/** Asks for a job, in the caller's transaction when it is given one; the same key is the same job. */
export async function enqueue<Payload>(
  tx: Queryable,
  kind: JobKind<Payload>,
  payload: Payload,
  key: string,
): Promise<void> {
  await tx.query(sql`select enqueue(${kind.name}, ${JSON.stringify(payload)}::json, ${key})`);
}
