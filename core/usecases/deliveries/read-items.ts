import type { Fact } from "#core/domain/fact.ts";
import { loadDeliveries } from "#core/store/deliveries.ts";
import type { LeasedLane, PendingItem } from "#core/store/lanes.ts";
import type { Tx } from "#core/store/transaction.ts";
import { readChange } from "#core/whatsapp/webhook.ts";
import type { ParsedDeliveries } from "./parsed-deliveries.ts";

/** One lane item with the facts its changes tell, or why they cannot be read. */
export interface ReadItem {
  item: PendingItem;
  lane: LeasedLane;
  facts: { change: number; position: number; fact: Fact }[];
  unreadable: string | undefined;
}

/** Loads and reads the deliveries of items. Never throws for what a delivery holds. */
export async function readItems(
  tx: Tx,
  items: readonly PendingItem[],
  lanes: ReadonlyMap<string, LeasedLane>,
  parsed: ParsedDeliveries,
): Promise<ReadItem[]> {
  const wanted = items.filter((item) => parsed.get(item.deliveryId) === undefined);
  const payloads = await loadDeliveries(tx, wanted);
  return items.map((item) => {
    const lane = lanes.get(item.laneId) as LeasedLane;
    const payload = payloads.get(item.deliveryId);
    const read = parsed.get(item.deliveryId) ?? (payload && parsed.parse(item.deliveryId, payload));
    if (!read)
      return { item, lane, facts: [], unreadable: "the delivery is gone: its day was dropped before it was applied" };
    if ("unreadable" in read) return { item, lane, facts: [], unreadable: read.unreadable };
    const meant = item.changes && new Set(item.changes);
    const changes = meant ? read.changes.filter((change) => meant.has(change.index)) : read.changes;
    try {
      const facts = changes.flatMap((change) =>
        readChange(change, item.receivedAt).map((fact, position) => ({ change: change.index, position, fact })),
      );
      return { item, lane, facts, unreadable: undefined };
    } catch (error) {
      // A shape that our reading did not foresee: kept aside until we have mended it. Its words may quote the customer's.
      return {
        item,
        lane,
        facts: [],
        unreadable: `reading failed: ${error instanceof Error ? error.name : typeof error}`,
      };
    }
  });
}
