import type pg from "pg";
import { v7 as newId } from "uuid";
import { permitSend, type SendRefusalReason } from "#core/domain/send-permission/permit-send.ts";
import type { SendState } from "#core/domain/send-state.ts";
import { serviceWindow } from "#core/domain/service-window.ts";
import type { Clock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { insertAuditEntry } from "#core/store/audit.ts";
import {
  type AnswerSince,
  bumpConversation,
  lockConversation,
  type ReplyFacts,
  selectAnswersSince,
  selectWamid,
} from "#core/store/reply-facts.ts";
import { type Recipient, selectRecipient } from "#core/store/send-recipient.ts";
import { insertSend, type SendRow, selectSendByKey } from "#core/store/sends.ts";
import { asWorkspace, type Tx } from "#core/store/transaction.ts";

export interface Reply {
  workspaceId: string;
  conversationId: string;
  /** Set for a caller that may only answer people linked to a record of this install. */
  withinInstall?: string;
  /** `hubspot:142`: who answers, in the audit and on the message. */
  agent: string;
  /** Made when the draft was begun; the same key is the same message, however often it comes. */
  idempotencyKey: string;
  text: string;
  /** What the agent had on the screen. */
  seen: { version: string; messageId: string };
  quotedMessageId?: string;
  requestId: string;
}

export type ReplyOutcome =
  | { outcome: "queued"; sendId: string; state: SendState }
  | { outcome: "answered-since"; answers: AnswerSince[] }
  | { outcome: "refused"; reason: SendRefusalReason; windowClosedAt?: Date };

/**
 * Puts a reply into the outbox, at most once per idempotency key. Refusals are values and store nothing, so the same
 * key may be used again once the agent has decided. Wake the sender after "queued".
 */
export function queueReply({ app, clock }: { app: pg.Pool; clock: Clock }, reply: Reply): Promise<ReplyOutcome> {
  const now = clock.now();
  return asWorkspace(app, reply.workspaceId, async (tx) => {
    // The lock comes before the question for the key: a double click waits here and then finds the first one's row.
    const facts = await lockConversation(tx, reply.workspaceId, reply.conversationId, reply.withinInstall);
    if (facts === undefined) throw noConversation(reply.conversationId);
    const earlier = await selectSendByKey(tx, reply.workspaceId, reply.idempotencyKey);
    if (earlier !== undefined) return sameReply(earlier, reply);

    const answers = await selectAnswersSince(tx, reply.workspaceId, reply.conversationId, reply.seen, reply.agent);
    if (answers.length > 0) return { outcome: "answered-since", answers };
    const recipient = await selectRecipient(tx, reply.workspaceId, facts.identityId);
    return mayBeSent(facts, recipient, now) ?? (await store(tx, facts, recipient, reply, now));
  });
}

function mayBeSent(facts: ReplyFacts, { phone, bsuid }: Recipient, now: Date): ReplyOutcome | undefined {
  const permission = permitSend({
    isNumberConnected: facts.isNumberConnected,
    hasRecipient: phone !== undefined || bsuid !== undefined,
    ...(facts.lastLiveInboundAt && { lastLiveInboundAt: facts.lastLiveInboundAt }),
    now,
  });
  if (permission.allowed) return undefined;
  const window = serviceWindow(facts.lastLiveInboundAt, now);
  const closedAt = !window.isOpen && window.reason === "expired" ? window.closedAt : undefined;
  return { outcome: "refused", reason: permission.reason, ...(closedAt && { windowClosedAt: closedAt }) };
}

async function store(
  tx: Tx,
  facts: ReplyFacts,
  { phone, bsuid }: Recipient,
  reply: Reply,
  now: Date,
): Promise<ReplyOutcome> {
  const { workspaceId, conversationId } = reply;
  const quotedWamid = await quoted(tx, reply);
  const version = await bumpConversation(tx, workspaceId, conversationId);
  const id = newId();
  const isNew = await insertSend(
    tx,
    workspaceId,
    {
      id,
      idempotencyKey: reply.idempotencyKey,
      numberId: facts.numberId,
      conversationId,
      identityId: facts.identityId,
      origin: "agent",
      originId: reply.agent,
      ...(phone !== undefined && { recipientPhone: phone }),
      ...(bsuid !== undefined && { recipientBsuid: bsuid }),
      type: "text",
      body: reply.text,
      ...(quotedWamid !== undefined && { quotedWamid }),
      seenVersion: reply.seen.version,
      createdAt: now,
    },
    version,
  );
  // Another conversation took the key in this very moment.
  if (!isNew) throw keyReused(reply.idempotencyKey);

  const subject = `conversation:${conversationId}`;
  const { agent: actor, requestId } = reply;
  const audit = { actor, action: "reply.queued", subject, detail: { sendId: id }, requestId, at: now };
  await insertAuditEntry(tx, workspaceId, audit);
  return { outcome: "queued", sendId: id, state: "queued" };
}

async function quoted(tx: Tx, { workspaceId, conversationId, quotedMessageId }: Reply): Promise<string | undefined> {
  if (quotedMessageId === undefined) return undefined;
  const wamid = await selectWamid(tx, workspaceId, conversationId, quotedMessageId);
  if (wamid !== undefined) return wamid;
  throw new Failure(
    "invalid",
    "reply.quoted_unknown",
    "The quoted message is not in this conversation. Choose it again.",
  );
}

function sameReply(earlier: SendRow, reply: Reply): ReplyOutcome {
  const isSame =
    earlier.conversationId === reply.conversationId && earlier.body === reply.text && earlier.originId === reply.agent;
  if (isSame) return { outcome: "queued", sendId: earlier.id, state: earlier.state };
  throw keyReused(reply.idempotencyKey);
}

function noConversation(id: string): Failure {
  return new Failure("missing", "conversation.missing", `There is no conversation ${id} here. Reload the page.`);
}

function keyReused(key: string): Failure {
  const message = `The idempotency key ${key} was used for another reply. Begin a new draft.`;
  return new Failure("conflict", "reply.key_reused", message);
}
