import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import { ensureLanes, insertLaneItems } from "#core/store/lanes.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { connectedUnrouted, takeUnrouted } from "#core/store/unrouted-changes.ts";
import { laneFinder } from "./route-deliveries.ts";

const itemsMax = 500;

/** Gives changes that were kept for an unknown number or WABA to their lanes, once somebody has connected it. */
export function routeUnrouted(worker: pg.Pool): Promise<number> {
  return inTransaction(worker, async (tx) => {
    const connected = await connectedUnrouted(tx);
    if (connected.phoneNumberIds.length + connected.wabaIds.length === 0) return 0;
    const items = await takeUnrouted(tx, { ...connected, itemsMax });
    const laneOf = await laneFinder(tx, items);
    const routed = items.map((item) => {
      const key = laneOf(item);
      // Disconnected again this very moment: rolled back, so that nothing that was taken out is lost.
      if (!key)
        throw new Failure("conflict", "deliveries.route_moved", "A number was disconnected while it was routed.");
      return { item, key };
    });
    const ids = await ensureLanes(
      tx,
      routed.map(({ key }) => key),
    );
    await insertLaneItems(
      tx,
      routed.map(({ item }, at) => ({ ...item, laneId: ids[at] as string })),
    );
    return routed.length;
  });
}
