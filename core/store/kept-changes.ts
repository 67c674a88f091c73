import type { KeptFact } from "#core/domain/fact.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Stores a change that nobody can use yet, under its name. */
export async function insertKeptChange(
  tx: Tx,
  at: { workspaceId: string; deliveryId: string; change: number; position: number; keptAt: Date },
  { field, reason, payload }: KeptFact,
): Promise<void> {
  await tx.query(sql.named("insert-kept-change")`
    insert into kept_change (workspace_id, delivery_id, change, position, field, reason, payload, kept_at)
    values (${at.workspaceId}, ${at.deliveryId}, ${at.change}, ${at.position}, ${field}, ${reason}, ${JSON.stringify(payload ?? null)}::jsonb, ${at.keptAt})
    on conflict (workspace_id, delivery_id, change, position) do nothing`);
}
