import type { MessageFact } from "#core/domain/fact.ts";
import { type ConfirmedSend, confirmSends } from "#core/store/sends.ts";
import type { Tx } from "#core/store/transaction.ts";
import { type Entry, entriesOf } from "./entry.ts";

const ours = /^tv1:([0-9a-f-]{36})$/i;

/**
 * A status that carries our opaque data proves that Meta took the send, also when its answer was lost (architecture
 * 3.6). Each send that is confirmed by it becomes a message, joined like one from a webhook.
 */
export async function confirmByStatuses(tx: Tx, entries: readonly Entry[]): Promise<Entry[]> {
  const told = entriesOf(entries, "status").flatMap((entry) => {
    const sendId = ours.exec(entry.fact.opaque ?? "")?.[1];
    return sendId === undefined ? [] : [{ entry, sendId, wamid: entry.fact.wamid, at: entry.fact.occurredAt }];
  });
  const made: Entry[] = [];
  for (const [workspaceId, words] of Map.groupBy(told, ({ entry }) => entry.workspaceId)) {
    const entryBySend = new Map(words.map((word) => [word.sendId, word.entry]));
    for (const send of await confirmSends(tx, workspaceId, words)) {
      const entry = entryBySend.get(send.id) as Entry;
      made.push({ ...entry, position: -1, fact: sentMessage(send) });
    }
  }
  return made.length > 0 ? [...made, ...entries] : [...entries];
}

/** What we sent, as a fact: only now does it have a wamid, and with it a place in the timeline. */
export function sentMessage(send: ConfirmedSend): MessageFact {
  const sentAt = send.claimedAt ?? send.createdAt;
  const { wamid, origin, originId, identityId, type, body, content, quotedWamid } = send;
  return {
    kind: "message",
    source: "send",
    wamid,
    direction: "out",
    origin,
    person: { identityId },
    type,
    sentAt,
    opensWindow: false,
    ...(originId !== undefined && { originId }),
    ...(body !== undefined && { body }),
    ...(content !== undefined && { content }),
    ...(quotedWamid !== undefined && { quotedWamid }),
  };
}
