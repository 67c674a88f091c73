import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { loadDeliveries } from "#core/store/deliveries.ts";
import { insertLaneItems } from "#core/store/lanes.ts";
import { countParkedForGood, takeParked, type UnparkedItem } from "#core/store/parked-items.ts";
import { inTransaction, type Tx } from "#core/store/transaction.ts";
import { ParsedDeliveries } from "./parsed-deliveries.ts";
import { giveToLanes, type RouteOptions } from "./route-deliveries.ts";

const itemsMax = 500;

export interface ReapplyOptions {
  worker: pg.Pool;
  clock: Clock;
  unroutedKeptDays: number;
}

export interface Reapplied {
  /** Back in the lane that they were parked from. */
  toLanes: number;
  /** Parked before they had a lane, and routed now. */
  routed: number;
  /** Still unreadable: parked again, with today's reason. */
  parkedAgain: number;
  /** Their delivery is older than the days kept: they stay parked for good. */
  deliveryGone: number;
}

/**
 * Gives parked items another try, after an upgrade that can read or store them: each goes back as a work row in the
 * transaction that marks it, so it is tried once however often or at once this runs. Workers do the rest; what is
 * refused again is parked again with the new reason. `reason`: only items whose reason holds this text.
 */
export async function reapplyParked({ worker, ...options }: ReapplyOptions, reason?: string): Promise<Reapplied> {
  const sum: Reapplied = { toLanes: 0, routed: 0, parkedAgain: 0, deliveryGone: 0 };
  const route = { ...options, parsed: new ParsedDeliveries() };

  async function batch(tx: Tx, after: string): Promise<string | undefined> {
    const taken = await takeParked(tx, { after, reason, itemsMax });
    sum.toLanes += await backToLanes(tx, taken);
    for (const item of taken.filter(({ lane }) => lane === undefined))
      sum[(await isRouted(tx, item, route)) ? "routed" : "parkedAgain"] += 1;
    return taken.at(-1)?.id;
  }

  // By id, not until none is left: what is parked again keeps its id, and would be met for ever.
  for (let after: string | undefined = "0"; after !== undefined; ) {
    const from: string = after;
    after = await inTransaction(worker, (tx) => batch(tx, from));
  }
  sum.deliveryGone = await inTransaction(worker, (tx) => countParkedForGood(tx, reason));
  return sum;
}

async function backToLanes(tx: Tx, taken: readonly UnparkedItem[]): Promise<number> {
  const items = taken.flatMap(({ lane, ...item }) => (lane ? [{ ...item, laneId: lane.id, kind: lane.kind }] : []));
  await insertLaneItems(tx, items);
  return items.length;
}

/** One at a time: a delivery may be 3 MB. */
async function isRouted(tx: Tx, item: UnparkedItem, route: Omit<RouteOptions, "worker">): Promise<boolean> {
  const { deliveryId: id, receivedAt } = item;
  const payload = (await loadDeliveries(tx, [item])).get(id);
  const { parked } = await giveToLanes(tx, payload ? [{ id, receivedAt, payload }] : [], route);
  return parked === 0;
}
