import { insertHistoryChunk, joinAddressBook } from "#core/store/coexistence-facts.ts";
import { insertKeptChange } from "#core/store/kept-changes.ts";
import type { Tx } from "#core/store/transaction.ts";
import { type Entry, entriesOf } from "./entry.ts";

/** The rare rest: the owner's phone book, history progress, and what is kept by name. */
export async function applyOtherFacts(tx: Tx, entries: readonly Entry[], now: Date): Promise<void> {
  for (const { workspaceId, numberId, fact } of entriesOf(entries, "address-book"))
    await joinAddressBook(tx, workspaceId, numberId, fact);
  for (const { workspaceId, numberId, fact, receivedAt } of entriesOf(entries, "history-chunk"))
    await insertHistoryChunk(tx, workspaceId, numberId, fact, receivedAt);
  for (const { workspaceId, deliveryId, change, position, fact } of entries)
    if (fact.kind === "kept")
      await insertKeptChange(tx, { workspaceId, deliveryId, change, position, keptAt: now }, fact);
}
