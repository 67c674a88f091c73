import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { moveCursor, nextDeliveries, type RawDelivery, takeWriter } from "#core/store/deliveries.ts";
import { ensureLanes, hasLaneItems, insertLaneItems, type LaneKey } from "#core/store/lanes.ts";
import { insertParked } from "#core/store/parked-items.ts";
import { isDataError, refusalOf } from "#core/store/postgres-errors.ts";
import { inSavepoint, inTransaction, type Tx } from "#core/store/transaction.ts";
import { insertUnrouted, type UnroutedChange } from "#core/store/unrouted-changes.ts";
import { type Address, addressOf } from "#core/whatsapp/webhook.ts";
import { laneFinder } from "./lane-finder.ts";
import type { ParsedDeliveries } from "./parsed-deliveries.ts";

const deliveriesMax = 500;
const bytesMax = 8 * 1024 * 1024;

/** The changes of one delivery that go to one place. */
interface Share {
  address: Address;
  delivery: RawDelivery;
  /** Absent: the whole delivery goes there. */
  changes: number[] | undefined;
}

export interface RouteOptions {
  worker: pg.Pool;
  parsed: ParsedDeliveries;
  clock: Clock;
  unroutedKeptDays: number;
}

/**
 * Splits recorded deliveries into the lanes of their numbers, in one transaction with the cursor that says how far we
 * are. Returns how many deliveries were routed. What cannot be read is parked; what nobody has connected is kept. When
 * the database refuses the data of a batch it is routed one by one, and the culprit is parked: nothing waits for it.
 */
export async function routeDeliveries(options: RouteOptions): Promise<number> {
  try {
    return await routeNext(options, deliveriesMax, giveToLanes);
  } catch (error) {
    if (!isDataError(error)) throw error;
  }
  return routeNext(options, 1, giveOrPark);
}

function routeNext(
  options: RouteOptions,
  rowsMax: number,
  give: (tx: Tx, deliveries: readonly RawDelivery[], options: RouteOptions) => Promise<unknown>,
): Promise<number> {
  return inTransaction(options.worker, async (tx) => {
    // The workers have enough to do, and what is recorded is safe where it lies.
    if (options.parsed.isFull && (await hasLaneItems(tx))) return 0;
    const cursor = await takeWriter(tx);
    if (!cursor) return 0;
    const deliveries = await nextDeliveries(tx, cursor, rowsMax, bytesMax);
    const last = deliveries.at(-1);
    if (!last) return 0;
    await give(tx, deliveries, options);
    await moveCursor(tx, cursor.writerId, last);
    return deliveries.length;
  });
}

async function giveOrPark(tx: Tx, deliveries: readonly RawDelivery[], options: RouteOptions): Promise<void> {
  try {
    await inSavepoint(tx, () => giveToLanes(tx, deliveries, options));
  } catch (error) {
    if (!isDataError(error)) throw error;
    const why = {
      workspaceId: undefined,
      laneId: undefined,
      changes: undefined,
      reason: `refused: ${refusalOf(error)}`,
    };
    await insertParked(
      tx,
      deliveries.map(({ id, receivedAt }) => ({ ...why, deliveryId: id, receivedAt })),
    );
  }
}

/** For new deliveries, and for those that are tried again: work rows for what has a home, and what cannot be read parked. */
export async function giveToLanes(
  tx: Tx,
  deliveries: readonly RawDelivery[],
  { parsed, clock, unroutedKeptDays }: Omit<RouteOptions, "worker">,
): Promise<{ parked: number }> {
  const shares = deliveries.flatMap((delivery) => sharesOf(delivery, parsed));
  await routeShares(tx, shares, new Date(clock.now().getTime() + unroutedKeptDays * 86_400_000));
  const parked = unreadable(deliveries, parsed);
  await insertParked(tx, parked);
  return { parked: parked.length };
}

function sharesOf(delivery: RawDelivery, parsed: ParsedDeliveries): Share[] {
  const read = parsed.parse(delivery.id, delivery.payload);
  if ("unreadable" in read) return [];
  const shares = new Map<string, Share & { changes: number[] }>();
  for (const change of read.changes) {
    const address = addressOf(change);
    const key = `${address.kind} ${address.phoneNumberId ?? ""} ${address.phoneNumberId ? "" : `${address.wabaId} ${address.displayPhone}`}`;
    const share = shares.get(key) ?? { address, delivery, changes: [] };
    shares.set(key, share);
    share.changes.push(change.index);
  }
  const all = [...shares.values()];
  return all.length === 1 ? [{ ...(all[0] as Share), changes: undefined }] : all;
}

function unreadable(deliveries: readonly RawDelivery[], parsed: ParsedDeliveries) {
  return deliveries.flatMap(({ id, receivedAt, payload }) => {
    const read = parsed.get(id) ?? parsed.parse(id, payload);
    const reason = "unreadable" in read ? read.unreadable : read.changes.length === 0 ? "no changes" : undefined;
    if (reason === undefined) return [];
    return [{ workspaceId: undefined, laneId: undefined, deliveryId: id, receivedAt, changes: undefined, reason }];
  });
}

async function routeShares(tx: Tx, shares: readonly Share[], keptUntil: Date): Promise<void> {
  const laneOf = await laneFinder(
    tx,
    shares.map(({ address }) => address),
  );
  const keys = new Map<string, LaneKey>();
  const routed: { share: Share; key: LaneKey }[] = [];
  const unrouted: UnroutedChange[] = [];
  for (const share of shares) {
    const key = laneOf(share.address, share.delivery.receivedAt);
    if (key) {
      keys.set(textOf(key), key);
      routed.push({ share, key });
    } else unrouted.push(unroutedOf(share));
  }
  const ids = await ensureLanes(tx, [...keys.values()]);
  const idByKey = new Map([...keys.keys()].map((key, at) => [key, ids[at] as string]));
  await insertLaneItems(
    tx,
    routed.map(({ share: { delivery, changes }, key }) => ({
      laneId: idByKey.get(textOf(key)) as string,
      kind: key.kind,
      deliveryId: delivery.id,
      receivedAt: delivery.receivedAt,
      bytes: delivery.payload.length,
      changes,
    })),
  );
  await insertUnrouted(tx, unrouted, keptUntil);
}

function unroutedOf({ address, delivery, changes }: Share): UnroutedChange {
  return {
    ...address,
    deliveryId: delivery.id,
    receivedAt: delivery.receivedAt,
    bytes: delivery.payload.length,
    changes,
  };
}

function textOf({ workspaceId, kind, wabaId, numberId }: LaneKey): string {
  return `${workspaceId} ${kind} ${wabaId} ${numberId ?? ""}`;
}
