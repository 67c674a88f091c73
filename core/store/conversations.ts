import { v7 as newId } from "uuid";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** The thread of one identity with one business number. */
export interface ConversationKey {
  workspaceId: string;
  numberId: string;
  identityId: string;
}

/**
 * Finds or makes conversations; returns their ids, aligned with `keys`, which repeat nothing. The caller holds the lock
 * of the workspaces.
 */
export async function ensureConversations(tx: Tx, keys: readonly ConversationKey[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const found = await findConversations(tx, keys);
  const missing = [...keys.keys()].filter((at) => found[at] === undefined);
  if (missing.length === 0) return found as string[];
  for (const at of missing) found[at] = newId();
  const pick = <T>(of: (key: ConversationKey) => T) => missing.map((at) => of(keys[at] as ConversationKey));
  await tx.query(sql.named("insert-conversations")`
    insert into conversation (workspace_id, number_id, identity_id, id)
    select * from unnest(${pick((it) => it.workspaceId)}::uuid[], ${pick((it) => it.numberId)}::bigint[],
      ${pick((it) => it.identityId)}::uuid[], ${missing.map((at) => found[at])}::uuid[])`);
  return found as string[];
}

async function findConversations(tx: Tx, keys: readonly ConversationKey[]): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = keys.map(() => undefined);
  const { rows } = await tx.query(sql.named("find-conversations")`
    select u.at::int - 1 as at, c.id
    from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.numberId)}::bigint[],
      ${keys.map((it) => it.identityId)}::uuid[]) with ordinality u(workspace_id, number_id, identity_id, at)
    join conversation c on c.workspace_id = u.workspace_id and c.number_id = u.number_id and c.identity_id = u.identity_id`);
  for (const { at, id } of rows) found[at] = id;
  return found;
}

/** What a batch changed in one conversation. */
export interface ConversationChange {
  workspaceId: string;
  id: string;
  lastMessageAt: Date | undefined;
  /** Newest live inbound message: it opens the customer service window (I7). */
  lastLiveInboundAt: Date | undefined;
}

export interface BumpedConversation {
  version: string;
  lastMessageAt: Date | null;
}

/**
 * Locks the conversations, counts their versions up by one, and returns the new versions by conversation id. Whoever
 * changes what a conversation shows calls this before writing, in the same transaction: the row lock is held until
 * commit, so a reader that sees version n sees everything up to n (I15).
 */
export async function bumpConversations(
  tx: Tx,
  changes: readonly ConversationChange[],
): Promise<Map<string, BumpedConversation>> {
  if (changes.length === 0) return new Map();
  const { rows } = await tx.query(sql.named("bump-conversations")`
    update conversation c set version = c.version + 1,
      last_message_at = greatest(c.last_message_at, u.last_message_at),
      last_live_inbound_at = greatest(c.last_live_inbound_at, u.last_live_inbound_at)
    from unnest(${changes.map((it) => it.workspaceId)}::uuid[], ${changes.map((it) => it.id)}::uuid[],
      ${changes.map((it) => it.lastMessageAt ?? null)}::timestamptz[],
      ${changes.map((it) => it.lastLiveInboundAt ?? null)}::timestamptz[])
      u(workspace_id, id, last_message_at, last_live_inbound_at)
    where c.workspace_id = u.workspace_id and c.id = u.id
    returning c.id, c.version, c.last_message_at as "lastMessageAt"`);
  return new Map(rows.map(({ id, ...bumped }) => [id, bumped]));
}

/** Computes what a conversation row says of its messages anew, from the messages. */
export async function reprojectConversations(tx: Tx, workspaceId: string, ids: readonly string[]): Promise<void> {
  await tx.query(sql`
    update conversation c set
      last_message_at = (select max(m.sent_at) from message m
        where m.workspace_id = c.workspace_id and m.conversation_id = c.id),
      last_live_inbound_at = (select max(m.sent_at) from message m
        where m.workspace_id = c.workspace_id and m.conversation_id = c.id and m.opens_window)
    where c.workspace_id = ${workspaceId} and c.id = any (${ids}::uuid[])`);
}

/** All conversations of the persons that these identities belong to, in lock order. */
export async function conversationsOfPersons(
  tx: Tx,
  workspaceId: string,
  identityIds: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.query(sql`
    select c.id from identity i
    join identity p on p.workspace_id = i.workspace_id and p.person_id = i.person_id
    join conversation c on c.workspace_id = p.workspace_id and c.identity_id = p.id
    where i.workspace_id = ${workspaceId} and i.id = any (${identityIds}::uuid[])
    group by c.id order by c.id`);
  return rows.map((row) => row.id);
}
