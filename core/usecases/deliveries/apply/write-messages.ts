import { markerOf } from "#core/crm/marker.ts";
import {
  type BumpedConversation,
  bumpConversations,
  type ConversationChange,
  reprojectConversations,
} from "#core/store/conversations.ts";
import { insertCrmWrites } from "#core/store/crm-write-queue.ts";
import { insertRemovals } from "#core/store/message-removals.ts";
import { insertMessages, rewriteMessages, touchQuoting, updateMessageStatus } from "#core/store/messages.ts";
import type { Tx } from "#core/store/transaction.ts";
import type { TouchedMessage } from "./messages.ts";

/**
 * Writes joined messages back. Versions are counted up under the conversations' locks first, and every message that
 * changed carries the new version of its conversation (I15). Returns the conversations that changed.
 */
export async function writeMessages(
  tx: Tx,
  touched: readonly TouchedMessage[],
  hasInstall: (workspaceId: string) => boolean,
  now: Date,
): Promise<Map<string, string>> {
  const changed = touched.filter((one) => one.isChanged);
  const bumped = await bumpConversations(tx, conversationChanges(changed));
  const versionOf = (id: string | undefined) => (id === undefined ? "0" : (bumped.get(id)?.version ?? "0"));
  const writes = changed.map((one) => ({ ...one, version: versionOf(one.message.state.conversationId) }));
  await insertMessages(
    tx,
    writes.filter((write) => write.message.isNew),
  );
  const known = writes.filter((write) => !write.message.isNew);
  await updateMessageStatus(
    tx,
    known.filter((write) => !isRewritten(write)),
  );
  await rewriteMessages(tx, known.filter(isRewritten));
  await touchQuoting(
    tx,
    writes.filter((write) => changesQuotes(write, bumped)),
  );
  await insertRemovals(
    tx,
    writes.flatMap(({ message: { workspaceId, id }, leftConversation: left }) =>
      left === undefined ? [] : [{ workspaceId, messageId: id, conversationId: left, version: versionOf(left) }],
    ),
  );
  await reproject(
    tx,
    changed.filter((one) => one.isRetimed || one.leftConversation !== undefined),
  );
  const news = changed.filter((one) => one.isNews && hasInstall(one.message.workspaceId));
  await insertCrmWrites(
    tx,
    news.map(({ message }) => ({
      workspaceId: message.workspaceId,
      messageId: message.id,
      marker: markerOf(message.wamid),
    })),
    now,
  );
  return new Map([...bumped].map(([id, { version }]) => [id, version]));
}

async function reproject(tx: Tx, moved: readonly TouchedMessage[]): Promise<void> {
  for (const [workspaceId, ones] of Map.groupBy(moved, (one) => one.message.workspaceId)) {
    const ids = ones.flatMap((one) => [one.message.state.conversationId, one.leftConversation]);
    await reprojectConversations(tx, workspaceId, [...new Set(ids.filter((id) => id !== undefined))]);
  }
}

/** What others quote looks different now: it was edited, revoked or filled, or came later than what quotes it. */
function changesQuotes(write: TouchedMessage, bumped: Map<string, BumpedConversation>): boolean {
  const { conversationId, sentAt } = write.message.state;
  if (conversationId === undefined || sentAt === undefined) return false;
  if (!write.message.isNew) return isRewritten(write);
  const newest = bumped.get(conversationId)?.lastMessageAt;
  return newest !== null && newest !== undefined && sentAt < newest;
}

function isRewritten({ hasNewBase, hasNewContent, hasNewEdit, message }: TouchedMessage): boolean {
  return (
    hasNewBase || hasNewContent || hasNewEdit || message.state.revokedAt !== undefined || message.state.baseRank === 1
  );
}

function conversationChanges(changed: readonly TouchedMessage[]): ConversationChange[] {
  const changes = new Map<string, ConversationChange>();
  for (const { message, leftConversation } of changed) {
    const { workspaceId, state } = message;
    for (const id of [state.conversationId, leftConversation]) {
      if (id === undefined) continue;
      const change = changes.get(id) ?? { workspaceId, id, lastMessageAt: undefined, lastLiveInboundAt: undefined };
      changes.set(id, change);
      if (id !== state.conversationId || state.sentAt === undefined) continue;
      change.lastMessageAt = later(change.lastMessageAt, state.sentAt);
      if (state.opensWindow) change.lastLiveInboundAt = later(change.lastLiveInboundAt, state.sentAt);
    }
  }
  return [...changes.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function later(a: Date | undefined, b: Date): Date {
  return a && a > b ? a : b;
}
