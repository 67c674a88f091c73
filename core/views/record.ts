import type { Conversation } from "#core/api/contract/timeline.ts";
import { serviceWindow } from "#core/domain/service-window.ts";
import { Failure } from "#core/kit/failure.ts";
import {
  type RecordConversation,
  type RecordKey,
  selectConversationsOfRecord,
  selectInstallsOfRecord,
} from "#core/store/record-conversations.ts";
import type { Tx } from "#core/store/transaction.ts";
import { seenThrough } from "./cursors.ts";

/** The conversations that a record shows; refused when nobody on WhatsApp is linked to it. */
export async function conversationsOf(tx: Tx, workspaceId: string, record: RecordKey): Promise<RecordConversation[]> {
  const [installId, ...others] = await selectInstallsOfRecord(tx, workspaceId, record);
  if (installId === undefined) {
    const message = `No person on WhatsApp is linked to ${record.type} ${record.id} of ${record.crm}. It is linked when that person writes.`;
    throw new Failure("missing", "record.not_linked", message);
  }
  if (others.length > 0) {
    const message = `${record.type} ${record.id} exists in ${others.length + 1} connected ${record.crm} accounts. Open it from the CRM.`;
    throw new Failure("conflict", "record.ambiguous", message);
  }
  return selectConversationsOfRecord(tx, workspaceId, installId, record);
}

export function conversationView(conversation: RecordConversation, now: Date): Conversation {
  const { id, number, personId, name, phone, username, version, newestMessageId, readThroughAt } = conversation;
  const window = serviceWindow(conversation.lastLiveInboundAt, now);
  return {
    id,
    number: `+${number}`,
    person: {
      id: personId,
      ...(name !== undefined && { name }),
      ...(phone !== undefined && { phone: `+${phone}` }),
      ...(username !== undefined && { username }),
    },
    window: window.isOpen
      ? { isOpen: true, closesAt: window.closesAt.toISOString() }
      : { isOpen: false, ...(window.reason === "expired" && { closedAt: window.closedAt.toISOString() }) },
    ...(readThroughAt && { readThroughAt: readThroughAt.toISOString() }),
    seenThrough: seenThrough({ version, messageId: newestMessageId }),
  };
}
