import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface ParkedItem {
  workspaceId: string | undefined;
  laneId: string | undefined;
  deliveryId: string;
  receivedAt: Date;
  changes: number[] | undefined;
  reason: string;
}

/** Puts aside what cannot be applied, with its reason, so that nothing else waits for it. */
export async function insertParked(tx: Tx, items: readonly ParkedItem[]): Promise<void> {
  for (const item of items)
    await tx.query(sql.named("insert-parked")`
      insert into parked_item as p (workspace_id, lane_id, delivery_id, received_at, changes, reason)
      values (${item.workspaceId ?? null}, ${item.laneId ?? null}, ${item.deliveryId}, ${item.receivedAt},
        ${item.changes ?? null}::integer[], ${item.reason.slice(0, 500)})
      on conflict (delivery_id, coalesce(lane_id, 0), coalesce(changes, '{}')) do update
        set reason = excluded.reason, parked_at = now(), reapplied_at = null`);
}
