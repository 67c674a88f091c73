import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import {
  type LaneKind,
  type LeasedLane,
  leaseLanes,
  nextItems,
  type PendingItem,
  releaseLanes,
} from "#core/store/lanes.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { applyBatch, type BatchResult, leaseMs } from "./apply-batch.ts";
import type { ParsedDeliveries } from "./parsed-deliveries.ts";
import { readItems } from "./read-items.ts";

// The costs of a batch are mostly per statement: at a backlog larger ones were a quarter cheaper per change.
const itemsMax = 1500;
// Few enough that the other loop finds lanes too: with 512 one loop leased them all and the other only looked.
const lanesMax = 64;
const bytesMax = 8 * 1024 * 1024;
/** A lane whose worker died twice is worked alone, in small bites, until the killer is alone and can be parked. */
const deathsTrusted = 2;
const deathsMax = 5;

export interface ApplyOptions {
  worker: pg.Pool;
  parsed: ParsedDeliveries;
  clock: Clock;
  log: Log;
  /** Names this process in leases. */
  name: string;
}

export interface LaneWorker {
  /** One round: lease, read, apply, give back. Returns what was applied; undefined when there was nothing to do. */
  round(kind: LaneKind): Promise<BatchResult | undefined>;
}

export function makeLaneWorker(options: ApplyOptions): LaneWorker {
  const { worker, name } = options;
  const lookedAt: Record<LaneKind, string> = { live: "0", history: "0" };

  async function lease(kind: LaneKind): Promise<LeasedLane[]> {
    const wanted = { kind, lanesMax: kind === "live" ? lanesMax : 8, worker: name, leaseMs };
    const lanes = await inTransaction(worker, (tx) => leaseLanes(tx, { ...wanted, after: lookedAt[kind] }));
    if (lanes.length === 0 && lookedAt[kind] !== "0") {
      lookedAt[kind] = "0";
      return inTransaction(worker, (tx) => leaseLanes(tx, { ...wanted, after: "0" }));
    }
    lookedAt[kind] =
      lanes.length < wanted.lanesMax
        ? "0"
        : (lanes
            .map((lane) => lane.id)
            .toSorted(byNumber)
            .at(-1) ?? "0");
    return lanes;
  }

  async function round(kind: LaneKind): Promise<BatchResult | undefined> {
    const lanes = await lease(kind);
    if (lanes.length === 0) return undefined;
    const result: BatchResult = { applied: 0, parked: 0, conversations: new Map() };
    try {
      const trusted = lanes.filter((lane) => lane.attempts <= deathsTrusted);
      const shares = [trusted, ...lanes.filter((lane) => lane.attempts > deathsTrusted).map((lane) => [lane])];
      for (const share of shares) if (share.length > 0) add(result, await applyShare(options, kind, share));
      return result;
    } finally {
      await inTransaction(worker, (tx) => releaseLanes(tx, name, lanes));
    }
  }

  return { round };
}

async function applyShare(options: ApplyOptions, kind: LaneKind, lanes: readonly LeasedLane[]): Promise<BatchResult> {
  const { worker, parsed } = options;
  const laneById = new Map(lanes.map((lane) => [lane.id, lane]));
  const deaths = Math.max(...lanes.map((lane) => lane.attempts)) - 1;
  const read = await inTransaction(worker, async (tx) => {
    const perLane = deaths < deathsTrusted ? Math.max(4, Math.ceil((2 * itemsMax) / lanes.length)) : biteAfter(deaths);
    const items = await nextItems(tx, kind, [...laneById.keys()], perLane);
    return readItems(tx, bounded(items), laneById, parsed);
  });
  if (deaths >= deathsMax && read.length === 1) {
    const killer = read[0];
    if (killer) killer.unreadable = `worker died ${deaths} times while applying this`;
  }
  const result = await applyBatch(options, read);
  parsed.forget(read.map(({ item }) => item.deliveryId));
  return result;
}

/** 64, 16, 4, 1: two deaths are suspicious, five convict. */
function biteAfter(deaths: number): number {
  return Math.max(1, 4 ** (5 - deaths));
}

function bounded(items: readonly PendingItem[]): PendingItem[] {
  const taken: PendingItem[] = [];
  let bytes = 0;
  for (const item of items) {
    bytes += item.bytes;
    if (taken.length > 0 && (bytes > bytesMax || taken.length >= itemsMax)) break;
    taken.push(item);
  }
  return taken;
}

function add(sum: BatchResult, { applied, parked, conversations }: BatchResult): void {
  sum.applied += applied;
  sum.parked += parked;
  for (const [id, version] of conversations) sum.conversations.set(id, version);
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b);
}
