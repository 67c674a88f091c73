import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** A message that left a conversation, because it was learnt whose it is: a reader of the old one must let go of it. */
export interface MessageRemoval {
  workspaceId: string;
  conversationId: string;
  messageId: string;
  /** Version of the conversation at which it left. */
  version: string;
}

export async function insertRemovals(tx: Tx, removals: readonly MessageRemoval[]): Promise<void> {
  if (removals.length === 0) return;
  await tx.query(sql`
    insert into message_removal as r (workspace_id, conversation_id, message_id, version)
    select * from unnest(${removals.map((it) => it.workspaceId)}::uuid[], ${removals.map((it) => it.conversationId)}::uuid[],
      ${removals.map((it) => it.messageId)}::bigint[], ${removals.map((it) => it.version)}::bigint[])
    on conflict (workspace_id, conversation_id, message_id) do update set version = excluded.version`);
}

/** What left each conversation after the version that a reader has of it, and where it is now. */
export async function selectRemovalsSince(
  tx: Tx,
  workspaceId: string,
  since: ReadonlyMap<string, string>,
): Promise<{ messageId: string; nowIn: string }[]> {
  const { rows } = await tx.query(sql`
    select r.message_id as "messageId", m.conversation_id as "nowIn"
    from unnest(${[...since.keys()]}::uuid[], ${[...since.values()]}::bigint[]) u(id, version)
    join message_removal r on r.workspace_id = ${workspaceId} and r.conversation_id = u.id and r.version > u.version
    join message m on m.workspace_id = r.workspace_id and m.id = r.message_id and m.conversation_id <> r.conversation_id`);
  return rows;
}
