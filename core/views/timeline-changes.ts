import type { TimelinePage } from "#core/api/contract/timeline.ts";
import { selectRemovalsSince } from "#core/store/message-removals.ts";
import type { RecordConversation } from "#core/store/record-conversations.ts";
import { selectMessagesSince, type TimelineMessage } from "#core/store/timeline.ts";
import { selectSendsSince, type TimelineSend } from "#core/store/timeline-sends.ts";
import type { Tx } from "#core/store/transaction.ts";
import { messageItemId, sendItemId } from "./timeline-item.ts";

export interface Changes {
  messages: TimelineMessage[];
  sends: TimelineSend[];
  replaced: TimelinePage["replaced"];
  /** For the next cursor: how far each conversation is complete with this answer. */
  versions: Map<string, string>;
  hasMore: boolean;
  /** There are conversations of which the reader knows nothing. Until it has the rest they are not in the cursor. */
  hasJoined: boolean;
}

/**
 * What changed in the conversations after the versions a reader has. A version is counted up under the conversation's
 * row lock and this reads one snapshot, so everything up to the conversation's own version is here; when a part was too
 * long, the cursor stops at the last version that is whole.
 */
export async function selectChanges(
  tx: Tx,
  workspaceId: string,
  conversations: readonly RecordConversation[],
  known: ReadonlyMap<string, string>,
  limit: number,
): Promise<Changes> {
  const since = new Map<string, string>();
  const followed = conversations.filter(({ id }) => known.has(id));
  for (const { id, version } of followed) {
    const have = known.get(id) ?? version;
    if (BigInt(have) < BigInt(version)) since.set(id, have);
  }
  const messages = since.size > 0 ? await selectMessagesSince(tx, workspaceId, since, limit) : [];
  const sends = since.size > 0 ? await selectSendsSince(tx, workspaceId, since, limit) : [];

  // A message that moved to another conversation of the same record is among the messages: only what left the record goes.
  const shown = new Set(conversations.map(({ id }) => id));
  const removed = since.size > 0 ? await selectRemovalsSince(tx, workspaceId, since) : [];
  const gone = removed
    .filter(({ nowIn }) => !shown.has(nowIn))
    .map(({ messageId }) => ({ id: messageItemId(messageId) }));

  const messagesOf = Map.groupBy(messages, ({ conversationId }) => conversationId);
  const sendsOf = Map.groupBy(sends, ({ conversationId }) => conversationId);
  const versions = new Map<string, string>();
  for (const { id, version } of followed) {
    const parts = [messagesOf.get(id) ?? [], sendsOf.get(id) ?? []];
    versions.set(id, wholeUpTo(version, parts, limit));
  }
  const hasMore = followed.some(({ id, version }) => versions.get(id) !== version);
  if (!hasMore) for (const { id, version } of conversations) versions.set(id, version);
  const isWhole = (row: { conversationId: string; version: string }) =>
    BigInt(row.version) <= BigInt(versions.get(row.conversationId) ?? "0");
  const wholeSends = sends.filter(isWhole);
  return {
    messages: messages.filter(isWhole),
    sends: wholeSends.filter(({ state }) => state !== "confirmed"),
    replaced: [
      ...gone,
      ...wholeSends
        .filter(({ state }) => state === "confirmed")
        .map(({ id, messageId }) => ({
          id: sendItemId(id),
          ...(messageId !== undefined && { by: messageItemId(messageId) }),
        })),
    ],
    versions,
    hasMore,
    hasJoined: followed.length < conversations.length,
  };
}

/** A part that reached the limit may go on after its last version; every other part is complete. */
function wholeUpTo(version: string, parts: readonly { version: string }[][], limit: number): string {
  return parts
    .filter((part) => part.length >= limit)
    .map((part) => part.at(-1)?.version ?? version)
    .reduce((lowest, next) => (BigInt(next) < BigInt(lowest) ? next : lowest), version);
}
