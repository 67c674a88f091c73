import type pg from "pg";
import type { Fact } from "#core/domain/fact.ts";
import type { Clock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import type { Log } from "#core/kit/log.ts";
import { deleteItems, forgetAttempts, holdLanes, type LeasedLane } from "#core/store/lanes.ts";
import { lockWorkspacesOf } from "#core/store/numbers.ts";
import { insertParked } from "#core/store/parked-items.ts";
import { isDataError, isTransient, refusalOf, sqlStateOf } from "#core/store/postgres-errors.ts";
import { asWorkspaces, type Tx } from "#core/store/transaction.ts";
import { applyFacts } from "./apply/apply-facts.ts";
import type { Entry } from "./apply/entry.ts";
import type { ReadItem } from "./read-items.ts";

/**
 * Long enough to read a batch; each transaction prolongs it. The lanes of a killed worker wait for its end, so that
 * everything is drained within a minute.
 */
export const leaseMs = 15_000;

/** Facts of one transaction: more only hold the locks of their workspaces longer. */
const factsMax = 2000;

export interface BatchResult {
  applied: number;
  parked: number;
  /** New versions of the conversations that changed. */
  conversations: Map<string, string>;
}

interface BatchOptions {
  worker: pg.Pool;
  clock: Clock;
  log: Log;
  name: string;
}

/**
 * Applies items in one transaction. When the data itself is refused the batch is cut in halves until the bad item is
 * alone, and that one is parked with its reason; everything else goes through. Transient errors are thrown: the items
 * stay where they are.
 */
export async function applyBatch(options: BatchOptions, items: readonly ReadItem[]): Promise<BatchResult> {
  const readable = items.filter((item) => item.unreadable === undefined);
  const result = await applyReadable(options, readable);
  const unreadable = items.filter((item) => item.unreadable !== undefined);
  if (unreadable.length > 0) await park(options, unreadable, (item) => item.unreadable as string);
  return { ...result, parked: result.parked + unreadable.length };
}

async function applyReadable(options: BatchOptions, items: readonly ReadItem[]): Promise<BatchResult> {
  if (items.length === 0) return { applied: 0, parked: 0, conversations: new Map() };
  try {
    return await applyTogether(options, items);
  } catch (error) {
    if (!isOfTheData(error)) throw error;
    const [only] = items;
    if (items.length === 1 && only) {
      await park(options, [only], () => `refused: ${refusalOf(error)}`);
      options.log.error(
        { err: error, deliveryId: only.item.deliveryId, workspaceId: only.lane.workspaceId },
        "delivery parked",
      );
      return { applied: 0, parked: 1, conversations: new Map() };
    }
    const half = Math.ceil(items.length / 2);
    const first = await applyReadable(options, items.slice(0, half));
    const second = await applyReadable(options, items.slice(half));
    return {
      applied: first.applied + second.applied,
      parked: first.parked + second.parked,
      conversations: new Map([...first.conversations, ...second.conversations]),
    };
  }
}

/**
 * What PostgreSQL refuses for the data's sake, or our own code stumbles over, fails again however often it is tried:
 * that is parked. Everything else (a time-out, a lock, a shutdown, a missing table during an upgrade) is tried again.
 */
function isOfTheData(error: unknown): boolean {
  // A Failure of our own (a transaction that was rolled back behind our back) is no word about the data either.
  if (isTransient(error) || error instanceof Failure) return false;
  return sqlStateOf(error) === undefined || isDataError(error);
}

async function applyTogether(options: BatchOptions, items: readonly ReadItem[]): Promise<BatchResult> {
  const { worker } = options;
  const conversations = new Map<string, string>();
  const slices = slicesOf(items);
  let applied = 0;
  for (const [at, slice] of slices.entries()) {
    const isLast = at === slices.length - 1;
    await asWorkspaces(worker, workspacesOf(items), async (tx) => {
      const held = await holdLanes(tx, options.name, distinctLanes(items), leaseMs);
      const changed = await applySlice(
        options,
        tx,
        slice.filter(({ item }) => held.has(item.lane.id)),
      );
      for (const [id, version] of changed) conversations.set(id, version);
      if (!isLast) return;
      const done = items.filter((item) => held.has(item.lane.id));
      await deleteItems(
        tx,
        done.map(({ item }) => item),
      );
      await forgetAttempts(tx, distinctLanes(done));
      applied = done.length;
    });
  }
  return { applied, parked: 0, conversations };
}

interface ItemFact {
  item: ReadItem;
  change: number;
  position: number;
  fact: Entry["fact"];
}

/** A history POST can hold thousands of messages: they are applied in several transactions, and then taken off. */
function slicesOf(items: readonly ReadItem[]): ItemFact[][] {
  const all = items.flatMap((item) => item.facts.map((fact) => ({ item, ...fact })));
  const slices: ItemFact[][] = [];
  for (let at = 0; at === 0 || at < all.length; at += factsMax) slices.push(all.slice(at, at + factsMax));
  return slices;
}

async function applySlice(options: BatchOptions, tx: Tx, slice: readonly ItemFact[]): Promise<Map<string, string>> {
  if (slice.length === 0) return new Map();
  const numbers = await lockWorkspacesOf(
    tx,
    slice.flatMap(({ item: { lane } }) =>
      lane.numberId === undefined ? [] : [{ workspaceId: lane.workspaceId, numberId: lane.numberId }],
    ),
  );
  const numberById = new Map(numbers.map((number) => [number.numberId, number]));
  const installed = new Set(numbers.filter((number) => number.hasInstall).map((number) => number.workspaceId));
  const entries = slice.map(
    ({ item: { lane, item }, change, position, fact }): Entry => ({
      workspaceId: lane.workspaceId,
      numberId: lane.numberId,
      portfolioKey: (lane.numberId && numberById.get(lane.numberId)?.portfolioKey) || "",
      deliveryId: item.deliveryId,
      change,
      position,
      receivedAt: item.receivedAt,
      fact: lane.numberId === undefined ? withoutNumber(fact) : fact,
    }),
  );
  const now = options.clock.now();
  const { conversations } = await applyFacts(tx, entries, {
    now,
    hasInstall: (workspaceId) => installed.has(workspaceId),
  });
  return conversations;
}

/** In the lane of a WABA only account facts have a place; a message that names no number is kept where it can be seen. */
function withoutNumber(fact: Fact): Fact {
  if (fact.kind === "account" || fact.kind === "kept") return fact;
  return { kind: "kept", field: fact.kind, reason: "names no business number", payload: fact };
}

async function park(
  options: BatchOptions,
  items: readonly ReadItem[],
  reasonOf: (item: ReadItem) => string,
): Promise<void> {
  await asWorkspaces(options.worker, workspacesOf(items), async (tx) => {
    const held = await holdLanes(tx, options.name, distinctLanes(items), leaseMs);
    const ours = items.filter((item) => held.has(item.lane.id));
    await insertParked(
      tx,
      ours.map((one) => ({
        workspaceId: one.lane.workspaceId,
        laneId: one.lane.id,
        deliveryId: one.item.deliveryId,
        receivedAt: one.item.receivedAt,
        changes: one.item.changes,
        reason: reasonOf(one),
      })),
    );
    await deleteItems(
      tx,
      ours.map(({ item }) => item),
    );
    await forgetAttempts(tx, distinctLanes(ours));
  });
}

function distinctLanes(items: readonly ReadItem[]): LeasedLane[] {
  return [...new Map(items.map(({ lane }) => [lane.id, lane])).values()];
}

function workspacesOf(items: readonly ReadItem[]): string[] {
  return [...new Set(items.map(({ lane }) => lane.workspaceId))];
}
