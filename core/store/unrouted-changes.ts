import type { LaneKind } from "./lanes.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface UnroutedChange {
  phoneNumberId: string | undefined;
  wabaId: string | undefined;
  displayPhone: string | undefined;
  kind: LaneKind;
  deliveryId: string;
  receivedAt: Date;
  bytes: number;
  changes: number[] | undefined;
}

/** Keeps what is meant for a number or WABA that nobody has connected yet. */
export async function insertUnrouted(tx: Tx, items: readonly UnroutedChange[], keptUntil: Date): Promise<void> {
  for (const item of items)
    await tx.query(sql.named("insert-unrouted")`
      insert into unrouted_change (phone_number_id, waba_id, display_phone, kind, delivery_id, received_at, bytes, changes, kept_until)
      values (${item.phoneNumberId ?? null}, ${item.wabaId ?? null}, ${item.displayPhone ?? null},
        ${item.kind === "live" ? 0 : 1}, ${item.deliveryId}, ${item.receivedAt}, ${item.bytes}, ${item.changes ?? null}::integer[], ${keptUntil})
      on conflict do nothing`);
}

export interface KeptUnrouted extends UnroutedChange {
  id: string;
}

/** The next kept changes, oldest first; those that another process is at are passed over. */
export async function nextUnrouted(tx: Tx, after: string, itemsMax: number): Promise<KeptUnrouted[]> {
  const { rows } = await tx.query(sql.named("next-unrouted")`
    select id, phone_number_id as "phoneNumberId", waba_id as "wabaId", display_phone as "displayPhone", kind,
      delivery_id as "deliveryId", received_at as "receivedAt", bytes, changes
    from unrouted_change where id > ${after} order by id limit ${itemsMax} for update skip locked`);
  return rows.map((row) => ({
    ...row,
    kind: row.kind === 0 ? "live" : "history",
    phoneNumberId: row.phoneNumberId ?? undefined,
    wabaId: row.wabaId ?? undefined,
    displayPhone: row.displayPhone ?? undefined,
    changes: row.changes ?? undefined,
  }));
}

/** These have found their lanes, in this same transaction. */
export async function deleteUnrouted(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query(sql.named("delete-unrouted")`delete from unrouted_change where id = any (${ids}::bigint[])`);
}

/** After eight days nobody has come for them. */
export async function expireUnrouted(tx: Tx, now: Date): Promise<number> {
  const { rowCount } = await tx.query(sql`delete from unrouted_change where kept_until < ${now}`);
  return rowCount ?? 0;
}
