import type pg from "pg";
import { ensureLanes, insertLaneItems } from "#core/store/lanes.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { deleteUnrouted, nextUnrouted } from "#core/store/unrouted-changes.ts";
import { laneFinder } from "./lane-finder.ts";

const itemsMax = 500;

/** Gives changes that were kept for an unknown number or WABA to their lanes, once somebody has connected it. */
export async function routeUnrouted(worker: pg.Pool): Promise<number> {
  let routed = 0;
  // Page by page: what has no home yet stays, and must not stand before what has one.
  for (let after: string | undefined = "0"; after !== undefined; ) {
    const page = await routePage(worker, after);
    routed += page.routed;
    after = page.last;
  }
  return routed;
}

function routePage(worker: pg.Pool, after: string): Promise<{ routed: number; last: string | undefined }> {
  return inTransaction(worker, async (tx) => {
    const items = await nextUnrouted(tx, after, itemsMax);
    const laneOf = await laneFinder(tx, items);
    const homed = items.flatMap((item) => {
      const key = laneOf(item, item.receivedAt);
      return key ? [{ item, key }] : [];
    });
    const ids = await ensureLanes(
      tx,
      homed.map(({ key }) => key),
    );
    await insertLaneItems(
      tx,
      homed.map(({ item }, at) => ({ ...item, laneId: ids[at] as string })),
    );
    await deleteUnrouted(
      tx,
      homed.map(({ item }) => item.id),
    );
    return { routed: homed.length, last: items.at(-1)?.id };
  });
}
