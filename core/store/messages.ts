import { type MessageState, skeleton } from "#core/domain/message.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface MessageKey {
  workspaceId: string;
  numberId: string;
  wamid: string;
}

/** A message as the store holds it, or the place drawn for it. */
export interface StoredMessage extends MessageKey {
  id: string;
  isNew: boolean;
  state: MessageState;
}

/** Later than any receipt: the first fact that is joined gives a new message its own. */
const notYet = new Date(8.64e15);

/**
 * Loads messages by wamid and draws an id for each that is not there, aligned with `keys`. The caller holds the
 * lock of the workspaces (`lockWorkspacesOf`), so what is read here stays true until its own writes.
 */
export async function loadMessages(tx: Tx, keys: readonly MessageKey[]): Promise<StoredMessage[]> {
  const { rows } = await tx.query(sql.named("load-messages")`
    select coalesce(m.id, nextval('message_id_seq')) as id, m.id is null as is_new, m.conversation_id, m.identity_id,
      m.direction, m.origin, m.sent_at, m.received_at, m.opens_window, m.base_rank, m.content_rank, m.status_rank, m.failure_code,
      m.edited_at, m.edit_wamid, m.revoked_at
    from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.numberId)}::bigint[],
      ${keys.map((it) => it.wamid)}::text[]) with ordinality u(workspace_id, number_id, wamid, at)
    left join message m on m.workspace_id = u.workspace_id and m.number_id = u.number_id and m.wamid = u.wamid
    order by u.at`);
  return rows.map((row, at) => ({
    ...(keys[at] as MessageKey),
    id: row.id,
    isNew: row.is_new,
    state: row.is_new ? skeleton(notYet) : stateOf(row),
  }));
}

// Body and content are not read: nothing is decided by them, and they are written only when replaced as a whole.
// biome-ignore lint/suspicious/noExplicitAny: a row of pg is untyped; this function is where it gets its type
function stateOf(row: any): MessageState {
  const state: MessageState = {
    receivedAt: row.received_at,
    opensWindow: row.opens_window,
    baseRank: row.base_rank,
    contentRank: row.content_rank,
    statusRank: row.status_rank,
  };
  if (row.direction) state.direction = row.direction;
  if (row.origin) state.origin = row.origin;
  if (row.identity_id) state.identityId = row.identity_id;
  if (row.conversation_id) state.conversationId = row.conversation_id;
  if (row.sent_at) state.sentAt = row.sent_at;
  if (row.failure_code !== null) state.failureCode = row.failure_code;
  if (row.edit_wamid) state.edit = { wamid: row.edit_wamid, at: row.edited_at };
  if (row.revoked_at) state.revokedAt = row.revoked_at;
  return state;
}

export interface MessageWrite {
  message: StoredMessage;
  version: string;
}

/** Inserts messages and skeletons that `loadMessages` found missing. */
export async function insertMessages(tx: Tx, writes: readonly MessageWrite[]): Promise<void> {
  if (writes.length === 0) return;
  const state = <T>(pick: (it: MessageState) => T | undefined) =>
    writes.map(({ message }) => pick(message.state) ?? null);
  await tx.query(sql.named("insert-messages")`
    insert into message (workspace_id, id, number_id, wamid, version, conversation_id, identity_id, direction, origin,
      origin_id, type, body, content, quoted_wamid, sent_at, received_at, opens_window, base_rank, content_rank, status_rank,
      failure_code, edited_at, edit_wamid, edited_body, edited_content, revoked_at)
    select * from unnest(${writes.map(({ message }) => message.workspaceId)}::uuid[],
      ${writes.map(({ message }) => message.id)}::bigint[], ${writes.map(({ message }) => message.numberId)}::bigint[],
      ${writes.map(({ message }) => message.wamid)}::text[], ${writes.map((it) => it.version)}::bigint[],
      ${state((it) => it.conversationId)}::uuid[], ${state((it) => it.identityId)}::uuid[],
      ${state((it) => it.direction)}::text[], ${state((it) => it.origin)}::text[], ${state((it) => it.originId)}::text[],
      ${state((it) => it.type)}::text[], ${state((it) => it.body)}::text[], ${state((it) => json(it.content))}::jsonb[],
      ${state((it) => it.quotedWamid)}::text[], ${state((it) => it.sentAt)}::timestamptz[],
      ${state((it) => it.receivedAt)}::timestamptz[], ${state((it) => it.opensWindow)}::boolean[], ${state((it) => it.baseRank)}::smallint[],
      ${state((it) => it.contentRank)}::smallint[], ${state((it) => it.statusRank)}::smallint[],
      ${state((it) => it.failureCode)}::integer[], ${state((it) => it.edit?.at)}::timestamptz[],
      ${state((it) => it.edit?.wamid)}::text[], ${state((it) => it.edit?.body)}::text[],
      ${state((it) => json(it.edit?.content))}::jsonb[], ${state((it) => it.revokedAt)}::timestamptz[])`);
}

/** The frequent change of a known message: its ticks. */
export async function updateMessageStatus(tx: Tx, writes: readonly MessageWrite[]): Promise<void> {
  if (writes.length === 0) return;
  await tx.query(sql.named("update-message-status")`
    update message m set version = u.version, status_rank = u.status_rank, failure_code = u.failure_code
    from unnest(${writes.map(({ message }) => message.workspaceId)}::uuid[],
      ${writes.map(({ message }) => message.id)}::bigint[], ${writes.map((it) => it.version)}::bigint[],
      ${writes.map(({ message }) => message.state.statusRank)}::smallint[],
      ${writes.map(({ message }) => message.state.failureCode ?? null)}::integer[])
      u(workspace_id, id, version, status_rank, failure_code)
    where m.workspace_id = u.workspace_id and m.id = u.id`);
}

/** What was joined into a known message; base, content and edit are rewritten only when they were replaced. */
export interface MessageRewrite extends MessageWrite {
  hasNewBase: boolean;
  hasNewContent: boolean;
  hasNewEdit: boolean;
}

/** The rarer changes: a skeleton is filled, a placeholder gets its media, an edit, a revoke. */
export async function rewriteMessages(tx: Tx, writes: readonly MessageRewrite[]): Promise<void> {
  for (const { message, version, hasNewBase, hasNewContent, hasNewEdit } of writes) {
    const { state } = message;
    await tx.query(sql.named("rewrite-message")`
      update message set version = ${version}, status_rank = ${state.statusRank}, failure_code = ${state.failureCode ?? null},
        revoked_at = ${state.revokedAt ?? null}, received_at = least(received_at, ${state.receivedAt}), opens_window = ${state.opensWindow},
        conversation_id = ${state.conversationId ?? null}, identity_id = ${state.identityId ?? null},
        direction = ${state.direction ?? null}, origin = ${state.origin ?? null}, sent_at = ${state.sentAt ?? null},
        base_rank = ${state.baseRank}, content_rank = ${state.contentRank},
        origin_id = case when ${hasNewBase}::boolean then ${state.originId ?? null} else origin_id end,
        type = case when ${hasNewContent}::boolean then ${state.type ?? null} else type end,
        body = case when ${hasNewContent}::boolean then ${state.body ?? null} else body end,
        content = case when ${hasNewContent}::boolean then ${json(state.content) ?? null}::jsonb else content end,
        quoted_wamid = case when ${hasNewContent}::boolean then ${state.quotedWamid ?? null} else quoted_wamid end,
        edited_at = case when ${hasNewEdit}::boolean then ${state.edit?.at ?? null}::timestamptz else edited_at end,
        edit_wamid = case when ${hasNewEdit}::boolean then ${state.edit?.wamid ?? null} else edit_wamid end,
        edited_body = case when ${hasNewEdit}::boolean then ${state.edit?.body ?? null} else edited_body end,
        edited_content = case when ${hasNewEdit}::boolean then ${json(state.edit?.content) ?? null}::jsonb else edited_content end
      where workspace_id = ${message.workspaceId} and id = ${message.id}`);
  }
}

/** Gives messages that quote these the new version of their conversation: what they show has changed. */
export async function touchQuoting(tx: Tx, quoted: readonly MessageWrite[]): Promise<void> {
  if (quoted.length === 0) return;
  await tx.query(sql.named("touch-quoting")`
    update message q set version = u.version
    from unnest(${quoted.map(({ message }) => message.workspaceId)}::uuid[],
      ${quoted.map(({ message }) => message.numberId)}::bigint[], ${quoted.map(({ message }) => message.wamid)}::text[],
      ${quoted.map(({ message }) => message.state.conversationId)}::uuid[], ${quoted.map((it) => it.version)}::bigint[])
      u(workspace_id, number_id, wamid, conversation_id, version)
    where q.workspace_id = u.workspace_id and q.number_id = u.number_id and q.quoted_wamid = u.wamid
      and q.conversation_id = u.conversation_id`);
}

/** Moves messages to the identity and conversation of another holder of the same phone. */
export async function moveMessages(
  tx: Tx,
  workspaceId: string,
  moves: readonly { id: string; identityId: string; conversationId: string; version: string }[],
): Promise<void> {
  await tx.query(sql`
    update message m set identity_id = u.identity_id, conversation_id = u.conversation_id, version = u.version
    from unnest(${moves.map((it) => it.id)}::bigint[], ${moves.map((it) => it.identityId)}::uuid[],
      ${moves.map((it) => it.conversationId)}::uuid[], ${moves.map((it) => it.version)}::bigint[])
      u(id, identity_id, conversation_id, version)
    where m.workspace_id = ${workspaceId} and m.id = u.id`);
}

function json(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
