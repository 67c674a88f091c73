import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export type LaneKind = "live" | "history";
const kinds: Readonly<Record<LaneKind, number>> = { live: 0, history: 1 };

export interface LaneKey {
  workspaceId: string;
  kind: LaneKind;
  wabaId: string;
  /** Absent: the lane of the WABA's own webhooks. */
  numberId: string | undefined;
}

export interface LaneItem {
  laneId: string;
  kind: LaneKind;
  deliveryId: string;
  receivedAt: Date;
  bytes: number;
  /** Which changes of the delivery are meant; absent = all. */
  changes: number[] | undefined;
}

/** Finds or makes lanes; returns their ids, aligned with `keys`. */
export async function ensureLanes(tx: Tx, keys: readonly LaneKey[]): Promise<string[]> {
  const found = await findLanes(tx, keys);
  const missing = keys.filter((_, at) => found[at] === undefined);
  if (missing.length === 0) return found as string[];
  await tx.query(sql.named("insert-lanes")`
    insert into lane (workspace_id, kind, waba_id, number_id)
    select * from unnest(${missing.map((it) => it.workspaceId)}::uuid[], ${missing.map((it) => kinds[it.kind])}::smallint[],
      ${missing.map((it) => it.wabaId)}::text[], ${missing.map((it) => it.numberId ?? null)}::bigint[])
    on conflict do nothing`);
  return (await findLanes(tx, keys)) as string[];
}

async function findLanes(tx: Tx, keys: readonly LaneKey[]): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = keys.map(() => undefined);
  const { rows } = await tx.query(sql.named("find-lanes")`
    select u.at::int - 1 as at, l.id
    from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => kinds[it.kind])}::smallint[],
      ${keys.map((it) => it.wabaId)}::text[], ${keys.map((it) => it.numberId ?? null)}::bigint[])
      with ordinality u(workspace_id, kind, waba_id, number_id, at)
    join lane l on l.workspace_id = u.workspace_id and l.kind = u.kind and l.waba_id = u.waba_id
      and coalesce(l.number_id, 0) = coalesce(u.number_id, 0)`);
  for (const { at, id } of rows) found[at] = id;
  return found;
}

export async function insertLaneItems(tx: Tx, items: readonly LaneItem[]): Promise<void> {
  if (items.length === 0) return;
  await tx.query(sql.named("insert-lane-items")`
    insert into lane_item (kind, lane_id, delivery_id, received_at, bytes, changes)
    select u.kind, u.lane_id, u.delivery_id, u.received_at, u.bytes, u.changes::integer[]
    from unnest(${items.map((it) => kinds[it.kind])}::smallint[], ${items.map((it) => it.laneId)}::bigint[],
      ${items.map((it) => it.deliveryId)}::bigint[], ${items.map((it) => it.receivedAt)}::timestamptz[],
      ${items.map((it) => it.bytes)}::integer[], ${items.map((it) => (it.changes ? `{${it.changes.join()}}` : null))}::text[])
      with ordinality u(kind, lane_id, delivery_id, received_at, bytes, changes, at)
    order by u.at`);
}

/** True while any lane has work. */
export async function hasLaneItems(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query(sql.named("has-lane-items")`select exists (select from lane_item) as any`);
  return rows[0].any;
}

export interface LeasedLane extends LaneKey {
  id: string;
  fence: string;
  /** This lease included; above 1, earlier ones neither succeeded nor failed in words: their worker died. */
  attempts: number;
}

/**
 * Leases lanes that have work and that nobody works at; looks from `after` on, round and round, so that no lane waits
 * for ever. Each lease gets a new fencing number: a worker that was away too long cannot write any more.
 */
export async function leaseLanes(
  tx: Tx,
  wanted: { kind: LaneKind; after: string; lanesMax: number; worker: string; leaseMs: number },
): Promise<LeasedLane[]> {
  const kind = kinds[wanted.kind];
  const { rows } = await tx.query(sql.named("lease-lanes")`
    with recursive pending (lane_id) as (
      (select lane_id from lane_item where kind = ${kind} and lane_id > ${wanted.after} order by lane_id limit 1)
      union all
      select (select i.lane_id from lane_item i where i.kind = ${kind} and i.lane_id > p.lane_id order by i.lane_id limit 1)
      from pending p where p.lane_id is not null
    ), free as (
      select l.id from lane l
      where l.id = any (array(select lane_id from pending where lane_id is not null limit ${2 * wanted.lanesMax}))
        and (l.leased_until is null or l.leased_until < now())
      order by l.id limit ${wanted.lanesMax} for update skip locked
    )
    update lane l set leased_by = ${wanted.worker}, leased_until = now() + ${wanted.leaseMs} * interval '1 ms',
      fence = l.fence + 1, attempts = l.attempts + 1
    from free where l.id = free.id
    returning l.id, l.workspace_id as "workspaceId", l.waba_id as "wabaId", l.number_id as "numberId", l.fence, l.attempts`);
  return rows.map((row) => ({ ...row, kind: wanted.kind, numberId: row.numberId ?? undefined }));
}

export interface PendingItem extends LaneItem {
  id: string;
}

/** The oldest items of each lane, at most `perLane` of one. */
export async function nextItems(
  tx: Tx,
  kind: LaneKind,
  laneIds: readonly string[],
  perLane: number,
): Promise<PendingItem[]> {
  const { rows } = await tx.query(sql.named("next-items")`
    select i.id, i.lane_id as "laneId", i.delivery_id as "deliveryId", i.received_at as "receivedAt", i.bytes, i.changes
    from unnest(${laneIds}::bigint[]) u(lane_id)
    cross join lateral (select * from lane_item x where x.kind = ${kinds[kind]} and x.lane_id = u.lane_id
      order by x.id limit ${perLane}) i
    order by i.id`);
  return rows.map((row) => ({ ...row, kind, changes: row.changes ?? undefined }));
}

/**
 * Locks the lanes that are still ours, and prolongs their lease; what is missing from the answer was lost to another
 * worker. Work that takes several transactions calls it in each.
 */
export async function holdLanes(
  tx: Tx,
  worker: string,
  lanes: readonly LeasedLane[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await tx.query(sql.named("hold-lanes")`
    with held as (
      select l.id from lane l
      join unnest(${lanes.map((it) => it.id)}::bigint[], ${lanes.map((it) => it.fence)}::bigint[]) u(id, fence)
        on l.id = u.id and l.fence = u.fence
      where l.leased_by = ${worker}
      order by l.id for update of l
    )
    update lane l set leased_until = now() + ${leaseMs} * interval '1 ms' from held where l.id = held.id returning l.id`);
  return new Set(rows.map((row) => row.id));
}

/** Work is done: its items go in the transaction that applied them. */
export async function deleteItems(tx: Tx, items: readonly PendingItem[]): Promise<void> {
  if (items.length === 0) return;
  await tx.query(sql.named("delete-items")`
    delete from lane_item i using unnest(${items.map((it) => kinds[it.kind])}::smallint[],
      ${items.map((it) => it.laneId)}::bigint[], ${items.map((it) => it.id)}::bigint[]) u(kind, lane_id, id)
    where i.kind = u.kind and i.lane_id = u.lane_id and i.id = u.id`);
}

/** A success forgets earlier deaths; the lease itself is kept until `releaseLanes`. */
export async function forgetAttempts(tx: Tx, lanes: readonly LeasedLane[]): Promise<void> {
  // Without earlier deaths giving the lane back takes this lease's own attempt off again.
  const tried = lanes.filter((lane) => lane.attempts > 1).map((lane) => lane.id);
  if (tried.length === 0) return;
  await tx.query(sql.named("forget-attempts")`update lane set attempts = 0 where id = any (${tried}::bigint[])`);
}

/** Gives lanes back before their lease ends. A failure that was survived is no death: it is taken off again. */
export async function releaseLanes(tx: Tx, worker: string, lanes: readonly LeasedLane[]): Promise<void> {
  await tx.query(sql.named("release-lanes")`
    update lane l set leased_until = null, leased_by = null, attempts = greatest(l.attempts - 1, 0)
    from unnest(${lanes.map((it) => it.id)}::bigint[], ${lanes.map((it) => it.fence)}::bigint[]) u(id, fence)
    where l.id = u.id and l.fence = u.fence and l.leased_by = ${worker}`);
}
