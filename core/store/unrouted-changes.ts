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

/** Takes out what now has a home: changes of a number or WABA that was connected. */
export async function takeUnrouted(
  tx: Tx,
  of: { phoneNumberIds: readonly string[]; wabaIds: readonly string[]; itemsMax: number },
): Promise<UnroutedChange[]> {
  const { rows } = await tx.query(sql`
    delete from unrouted_change where id in (
      select id from unrouted_change
      where phone_number_id = any (${of.phoneNumberIds}::text[])
        or (phone_number_id is null and waba_id = any (${of.wabaIds}::text[]))
      order by id limit ${of.itemsMax} for update skip locked)
    returning phone_number_id as "phoneNumberId", waba_id as "wabaId", display_phone as "displayPhone", kind,
      delivery_id as "deliveryId", received_at as "receivedAt", bytes, changes`);
  return rows.map((row) => ({
    ...row,
    kind: row.kind === 0 ? "live" : "history",
    phoneNumberId: row.phoneNumberId ?? undefined,
    wabaId: row.wabaId ?? undefined,
    displayPhone: row.displayPhone ?? undefined,
    changes: row.changes ?? undefined,
  }));
}

/** After eight days nobody has come for them. */
export async function expireUnrouted(tx: Tx, now: Date): Promise<number> {
  const { rowCount } = await tx.query(sql`delete from unrouted_change where kept_until < ${now}`);
  return rowCount ?? 0;
}

/** Numbers and WABAs that changes are kept for and that are connected by now. */
export async function connectedUnrouted(tx: Tx): Promise<{ phoneNumberIds: string[]; wabaIds: string[] }> {
  const { rows } = await tx.query(sql.named("connected-unrouted")`
    select array(select phone_number_id from routes_of_numbers(array(
        select distinct phone_number_id from unrouted_change where phone_number_id is not null limit 10000))) as "phoneNumberIds",
      array(select waba_id from routes_of_wabas(array(
        select distinct waba_id from unrouted_change where phone_number_id is null and waba_id is not null limit 10000))) as "wabaIds"`);
  return rows[0];
}
