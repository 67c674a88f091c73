import { type PhonePeriod, periodAt } from "#core/domain/identity/phone-periods.ts";
import { bumpConversations, ensureConversations, reprojectConversations } from "#core/store/conversations.ts";
import { moveMessages } from "#core/store/messages.ts";
import { messagesOfIdentities } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";

/**
 * A phone number turned out to have had two holders: what was attributed by phone alone goes to whoever held it then.
 * Rare (a recycled number), and only for messages that carried no BSUID.
 */
export async function moveBetweenPeriods(
  tx: Tx,
  workspaceId: string,
  periods: readonly PhonePeriod[],
  identityOf: (period: PhonePeriod) => string,
): Promise<void> {
  const messages = await messagesOfIdentities(tx, workspaceId, periods.map(identityOf));
  const moves = messages
    .map((message) => ({ ...message, to: identityOf(periodAt(periods, message.sentAt)) }))
    .filter((move) => move.to !== move.identityId);
  if (moves.length === 0) return;
  const pairs = new Map(
    moves.map(({ numberId, to }) => [`${numberId} ${to}`, { workspaceId, numberId, identityId: to }]),
  );
  const ids = await ensureConversations(tx, [...pairs.values()]);
  const idByPair = new Map([...pairs.keys()].map((pair, at) => [pair, ids[at] as string]));
  const conversations = moves.map(({ numberId, to }) => idByPair.get(`${numberId} ${to}`) as string);
  const touched = new Set([...conversations, ...moves.map((move) => move.conversationId)]);
  const versions = await bumpConversations(
    tx,
    [...touched].map((id) => ({ workspaceId, id, lastMessageAt: undefined, lastLiveInboundAt: undefined })),
  );
  await moveMessages(
    tx,
    workspaceId,
    moves.map(({ id, to }, at) => {
      const conversationId = conversations[at] as string;
      return { id, identityId: to, conversationId, version: versions.get(conversationId) as string };
    }),
  );
  await reprojectConversations(tx, workspaceId, [...touched]);
}
