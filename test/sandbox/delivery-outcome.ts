import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { sql } from "#core/store/sql.ts";

/** What became of the changes of one POST. Each is counted once, but for kept: that counts what was kept by name. */
export interface DeliveryOutcome {
  changes: number;
  applied: number;
  kept: number;
  parked: number;
  unrouted: number;
  /** Answered 200 and then neither applied nor kept, parked or waiting for its number. */
  lost: number;
}

const POLL_MS = 5;

/** Ids of the deliveries that were recorded after those in `known`. */
export async function newDeliveries(owner: pg.Pool, known: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(sql`select id from delivery order by id`);
  return rows.map(({ id }) => id).filter((id) => !known.has(id));
}

/** Waits until the delivery is routed and no lane holds it; false when the time is up first. */
export async function untilApplied(owner: pg.Pool, deliveryId: string, deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    if (await isApplied(owner, deliveryId)) return true;
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
}

// The upper half of a delivery's id is its writer, whose cursor says how far the router has come.
async function isApplied(owner: pg.Pool, deliveryId: string): Promise<boolean> {
  const { rows } = await owner.query<{ applied: boolean }>(sql`
    select not exists (select from lane_item where delivery_id = ${deliveryId}::bigint) and not exists (
      select from delivery_writer where id = ${deliveryId}::bigint >> 32 and routed_through < ${deliveryId}::bigint
    ) as applied`);
  return rows[0]?.applied === true;
}

/** Counts from what the tables say now. Without a delivery everything that the POST carried is lost. */
export async function outcomeOf(
  owner: pg.Pool,
  deliveryId: string | undefined,
  changes: number,
): Promise<DeliveryOutcome> {
  const nothing = { changes, applied: 0, kept: 0, parked: 0, unrouted: 0, lost: changes };
  if (deliveryId === undefined) return nothing;
  const { rows } = await owner.query<Places>(sql`
    select
      exists (select from delivery_writer w where w.id = ${deliveryId}::bigint >> 32
        and w.routed_through < ${deliveryId}::bigint) as "isWaiting",
      ${placed(sql`lane_item where delivery_id = ${deliveryId}`)} as waiting,
      ${placed(sql`parked_item where delivery_id = ${deliveryId} and reapplied_at is null`)} as parked,
      ${placed(sql`unrouted_change where delivery_id = ${deliveryId}`)} as unrouted,
      (select coalesce(jsonb_agg(change), '[]') from kept_change where delivery_id = ${deliveryId}) as kept`);
  const { isWaiting, waiting, parked, unrouted, kept } = rows[0] as Places;
  const counts = {
    parked: countOf(parked, changes),
    unrouted: countOf(unrouted, changes),
    lost: isWaiting ? changes : countOf(waiting, changes),
  };
  const applied = changes - counts.parked - counts.unrouted - counts.lost - new Set(kept).size;
  return { changes, applied, kept: kept.length, ...counts };
}

interface Places {
  isWaiting: boolean;
  /** Lists of change numbers; null stands for all changes of the delivery. */
  waiting: (number[] | null)[];
  parked: (number[] | null)[];
  unrouted: (number[] | null)[];
  kept: number[];
}

function placed(from: ReturnType<typeof sql>): ReturnType<typeof sql> {
  return sql`(select coalesce(jsonb_agg(to_jsonb(changes)), '[]') from ${from})`;
}

function countOf(lists: (number[] | null)[], changes: number): number {
  return lists.includes(null) ? changes : new Set(lists.flat()).size;
}
