import type { Place } from "#core/domain/message.ts";
import { insertConsentEntry } from "#core/store/consent-entries.ts";
import { ensureConversations } from "#core/store/conversations.ts";
import { insertEdit } from "#core/store/message-marks.ts";
import { joinStatuses } from "#core/store/message-statuses.ts";
import type { Tx } from "#core/store/transaction.ts";
import { applyAccountFacts } from "./account-facts.ts";
import { confirmByStatuses } from "./confirm-sends.ts";
import { type Entry, entriesOf, type NumberEntry } from "./entry.ts";
import { baseWinners, joinIntoMessages, loadTouched, type TouchedMessage, touchedBy } from "./messages.ts";
import { type Named, namePeople } from "./name-people.ts";
import { applyOtherFacts } from "./other-facts.ts";
import { writeMessages } from "./write-messages.ts";

export interface Applied {
  /** New version of every conversation that changed, by id. */
  conversations: Map<string, string>;
}

/**
 * Joins facts into the store, set by set. The caller began the transaction, sees the workspaces, and holds the lock of
 * the workspaces (`lockWorkspacesOf`). Facts may come in any order, repeated, in any batches: the store ends up the same.
 */
export async function applyFacts(
  tx: Tx,
  given: readonly Entry[],
  context: { now: Date; hasInstall(workspaceId: string): boolean },
): Promise<Applied> {
  const entries = await confirmByStatuses(tx, given);
  const named = await namePeople(tx, entries, context.now);
  const about = entriesOf(entries, "message", "status", "edit", "revoke", "reaction");
  const touched = await loadTouched(tx, about);
  const idOf = (entry: NumberEntry) => (touchedBy(touched, entry) as TouchedMessage).message.id;
  const placeOf = await findPlaces(tx, baseWinners(touched, entriesOf(about, "message")), named);
  await joinIntoMessages(tx, touched, about, placeOf);
  const statuses = entriesOf(about, "status").map((entry) => ({ ...entry, messageId: idOf(entry) }));
  await joinStatuses(tx, statuses);
  for (const entry of entriesOf(about, "edit")) await insertEdit(tx, entry.workspaceId, idOf(entry), entry.fact);
  const conversations = await writeMessages(tx, [...touched.values()], context.hasInstall, context.now);
  for (const entry of entriesOf(entries, "preference"))
    await insertConsentEntry(tx, entry.workspaceId, named.personOf(entry) as string, entry.fact);
  await applyOtherFacts(tx, entries, context.now);
  await applyAccountFacts(tx, entries);
  return { conversations };
}

/** Where messages belong: the conversation of the number with whoever is at the other end. Reactions need only who. */
async function findPlaces(
  tx: Tx,
  winners: readonly NumberEntry[],
  named: Named,
): Promise<(entry: NumberEntry) => Place | undefined> {
  const pairs = new Map(
    winners.map((entry) => {
      const { workspaceId, numberId } = entry;
      const identityId = named.personOf(entry) as string;
      return [`${numberId} ${identityId}`, { workspaceId, numberId, identityId }] as const;
    }),
  );
  const ids = await ensureConversations(tx, [...pairs.values()]);
  const idByPair = new Map([...pairs.keys()].map((pair, at) => [pair, ids[at] as string]));
  const isPlaced = new Set(winners);
  return (entry) => {
    const identityId = named.authorOf(entry);
    if (identityId === undefined || (entry.fact.kind === "message" && !isPlaced.has(entry))) return undefined;
    return { identityId, conversationId: idByPair.get(`${entry.numberId} ${named.personOf(entry)}`) ?? "" };
  };
}
