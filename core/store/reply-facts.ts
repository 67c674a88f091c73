import { type Nullable, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** What decides whether a conversation may be answered. */
export interface ReplyFacts {
  conversationId: string;
  numberId: string;
  identityId: string;
  version: string;
  lastLiveInboundAt?: Date;
  lastMessageAt?: Date;
  isNumberConnected: boolean;
}

/**
 * Locks the conversation, so that two replies to it see each other. Undefined when this workspace has none of that id,
 * or when `withinInstall` is given and none of the person's identities is linked to a record of that install.
 */
export async function lockConversation(
  tx: Tx,
  workspaceId: string,
  conversationId: string,
  withinInstall?: string,
): Promise<ReplyFacts | undefined> {
  const { rows } = await tx.query<Nullable<ReplyFacts>>(sql`
    select c.id as "conversationId", c.number_id as "numberId", c.identity_id as "identityId", c.version,
      c.last_live_inbound_at as "lastLiveInboundAt", c.last_message_at as "lastMessageAt",
      n.disconnected_at is null as "isNumberConnected"
    from conversation c
    join business_number n on n.workspace_id = c.workspace_id and n.id = c.number_id
    join identity i on i.workspace_id = c.workspace_id and i.id = c.identity_id
    where c.workspace_id = ${workspaceId} and c.id = ${conversationId}
      and (${withinInstall}::uuid is null or exists (
        select from identity other join record_link l on l.workspace_id = other.workspace_id and l.identity_id = other.id
        where other.workspace_id = i.workspace_id and other.person_id = i.person_id and l.install_id = ${withinInstall}::uuid))
    for update of c`);
  return rows[0] && withoutNulls<ReplyFacts>(rows[0]);
}

/** Bumps one conversation that the caller has locked; returns its new version. */
export async function bumpConversation(tx: Tx, workspaceId: string, conversationId: string): Promise<string> {
  const { rows } = await tx.query<{ version: string }>(sql`
    update conversation set version = version + 1 where workspace_id = ${workspaceId} and id = ${conversationId}
    returning version`);
  return rows[0]?.version ?? "0";
}

export interface AnswerSince {
  origin: string;
  at: Date;
}

/**
 * Who else answered after what the agent had seen: the phone, a colleague, a machine of ours. Imported history is no
 * answer. Ids of messages grow in commit order within a number, so `messageId` tells new from merely changed.
 */
export async function selectAnswersSince(
  tx: Tx,
  workspaceId: string,
  conversationId: string,
  seen: { version: string; messageId: string },
  agent: string,
): Promise<AnswerSince[]> {
  const { rows } = await tx.query<AnswerSince>(sql`
    select m.origin, m.sent_at as at from message m
    where m.workspace_id = ${workspaceId} and m.conversation_id = ${conversationId} and m.version > ${seen.version}
      and m.id > ${seen.messageId} and m.direction = 'out' and m.base_rank >= ${LIVE_BASE_RANK}
      and (m.origin <> 'agent' or m.origin_id is distinct from ${agent})
    union all
    select s.origin, s.created_at from send s
    where s.workspace_id = ${workspaceId} and s.conversation_id = ${conversationId} and s.version > ${seen.version}
      and s.state in ('queued', 'claimed', 'held') and s.origin_id is distinct from ${agent}
    order by 2 desc limit 5`);
  return rows;
}

/** Below it lie hints and history (core/domain/message.ts). */
const LIVE_BASE_RANK = 4;

/** The wamid of a message of this conversation, to be quoted. */
export async function selectWamid(
  tx: Tx,
  workspaceId: string,
  conversationId: string,
  messageId: string,
): Promise<string | undefined> {
  const { rows } = await tx.query<{ wamid: string }>(sql`
    select wamid from message
    where workspace_id = ${workspaceId} and conversation_id = ${conversationId} and id = ${messageId}`);
  return rows[0]?.wamid;
}

/** Marks as read up to a time that lies within the conversation. Returns whether that moved anything. */
export async function moveReadPosition(
  tx: Tx,
  workspaceId: string,
  conversationId: string,
  through: Date,
): Promise<boolean> {
  const { rowCount } = await tx.query(sql`
    update conversation set version = version + 1, read_through_at = least(${through}::timestamptz, last_message_at)
    where workspace_id = ${workspaceId} and id = ${conversationId} and last_message_at is not null
      and (read_through_at is null or read_through_at < least(${through}::timestamptz, last_message_at))`);
  return rowCount === 1;
}
