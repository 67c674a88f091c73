import type { LaneKind } from "./lanes.ts";
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

/** A parked item on its way back. */
export interface UnparkedItem {
  id: string;
  /** Absent: it was parked before it had a lane. */
  lane: { id: string; kind: LaneKind } | undefined;
  deliveryId: string;
  receivedAt: Date;
  bytes: number;
  changes: number[] | undefined;
}

const itsDelivery = sql`
  delivery d where d.id = p.delivery_id
    and d.received_at between p.received_at - interval '1 ms' and p.received_at + interval '1 ms'`;

const isParked = (reason: string | undefined) => sql`
  p.reapplied_at is null and (${reason ?? null}::text is null or position(${reason ?? null}::text in p.reason) > 0)`;

/**
 * Marks parked items as reapplied and returns them, in order of id from `after` on: the caller gives them work rows in
 * this same transaction. Those whose delivery is no longer kept stay parked; two callers never get the same item.
 */
export async function takeParked(
  tx: Tx,
  wanted: { after: string; reason: string | undefined; itemsMax: number },
): Promise<UnparkedItem[]> {
  const { rows } = await tx.query(sql`
    with taken as (
      select p.id from parked_item p
      where p.id > ${wanted.after} and ${isParked(wanted.reason)} and exists (select from ${itsDelivery})
      order by p.id limit ${wanted.itemsMax} for update skip locked
    ), marked as (
      update parked_item p set reapplied_at = now() from taken where p.id = taken.id
      returning p.id, p.lane_id as "laneId", (select l.kind from lane l where l.id = p.lane_id) as kind,
        p.delivery_id as "deliveryId", p.received_at as "receivedAt", p.changes,
        (select octet_length(d.payload) from ${itsDelivery}) as bytes
    )
    select * from marked order by id`);
  return rows.map(({ laneId, kind, ...row }) => ({
    ...row,
    lane: laneId === null ? undefined : { id: laneId, kind: kind === 0 ? "live" : "history" },
    changes: row.changes ?? undefined,
  }));
}

/** Parked items that nothing can bring back: the day of their delivery was dropped. */
export async function countParkedForGood(tx: Tx, reason: string | undefined): Promise<number> {
  const { rows } = await tx.query(sql`
    select count(*)::int as count from parked_item p where ${isParked(reason)} and not exists (select from ${itsDelivery})`);
  return rows[0].count;
}
