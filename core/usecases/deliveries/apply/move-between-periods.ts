import { consentOfIdentities, reassignConsent } from "#core/store/consent-entries.ts";
import { bumpConversations, ensureConversations, reprojectConversations } from "#core/store/conversations.ts";
import { reactionsOf, reassignReaction } from "#core/store/message-marks.ts";
import { insertRemovals } from "#core/store/message-removals.ts";
import { moveMessages } from "#core/store/messages.ts";
import { messagesOfIdentities } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";

/** Who held the phone at a moment. */
type HolderAt = (at: Date) => string;

/**
 * A phone number turned out to have had several holders: what was attributed by phone alone (messages, reactions,
 * consent) goes to whoever held it then (I16). Rare, a recycled number; what carried a BSUID is not concerned.
 */
export async function moveBetweenPeriods(
  tx: Tx,
  workspaceId: string,
  identities: readonly string[],
  holderAt: HolderAt,
): Promise<void> {
  await moveMessagesBetween(tx, workspaceId, identities, holderAt);
  for (const reaction of await reactionsOf(tx, workspaceId, identities)) {
    const reactor = holderAt(reaction.reactedAt);
    if (reactor !== reaction.reactor) await reassignReaction(tx, workspaceId, reaction, reactor);
  }
  for (const { id, identityId, occurredAt } of await consentOfIdentities(tx, workspaceId, identities))
    if (holderAt(occurredAt) !== identityId) await reassignConsent(tx, workspaceId, id, holderAt(occurredAt));
}

async function moveMessagesBetween(
  tx: Tx,
  workspaceId: string,
  identities: readonly string[],
  holderAt: HolderAt,
): Promise<void> {
  const moves = (await messagesOfIdentities(tx, workspaceId, identities))
    .map((message) => ({ ...message, to: holderAt(message.sentAt) }))
    .filter((move) => move.to !== move.identityId);
  if (moves.length === 0) return;
  const pairs = new Map(
    moves.map(({ numberId, to }) => [`${numberId} ${to}`, { workspaceId, numberId, identityId: to }]),
  );
  const ids = await ensureConversations(tx, [...pairs.values()]);
  const idByPair = new Map([...pairs.keys()].map((pair, at) => [pair, ids[at] as string]));
  const touched = [...new Set([...ids, ...moves.map((move) => move.conversationId)])].toSorted();
  const bumped = await bumpConversations(
    tx,
    touched.map((id) => ({ workspaceId, id, lastMessageAt: undefined, lastLiveInboundAt: undefined })),
  );
  const versionOf = (id: string) => bumped.get(id)?.version as string;
  const target = ({ numberId, to }: (typeof moves)[number]) => idByPair.get(`${numberId} ${to}`) as string;
  await moveMessages(
    tx,
    workspaceId,
    moves.map((move) => ({
      id: move.id,
      identityId: move.to,
      conversationId: target(move),
      version: versionOf(target(move)),
    })),
  );
  await insertRemovals(
    tx,
    moves.map(({ id, conversationId }) => ({
      workspaceId,
      messageId: id,
      conversationId,
      version: versionOf(conversationId),
    })),
  );
  await reprojectConversations(tx, workspaceId, touched);
}
