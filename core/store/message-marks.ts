import type { EditFact, ReactionFact } from "#core/domain/fact.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Keeps every version of an edited message, for the audit. */
export async function insertEdit(tx: Tx, workspaceId: string, messageId: string, edit: EditFact): Promise<void> {
  await tx.query(sql.named("insert-edit")`
    insert into message_edit (workspace_id, message_id, edit_wamid, edited_at, type, body, content)
    values (${workspaceId}, ${messageId}, ${edit.wamid}, ${edit.editedAt}, ${edit.type ?? null}, ${edit.body ?? null},
      ${edit.content ? JSON.stringify(edit.content) : null}::jsonb)
    on conflict (workspace_id, message_id, edit_wamid) do nothing`);
}

/** Keeps a word of a reactor; returns whether it was new. The latest one is what is shown. */
export async function insertReaction(
  tx: Tx,
  workspaceId: string,
  messageId: string,
  reactor: string,
  { emoji, reactedAt, wamid }: ReactionFact,
): Promise<boolean> {
  const { rowCount } = await tx.query(sql.named("insert-reaction")`
    insert into message_reaction (workspace_id, message_id, reaction_wamid, reactor, emoji, reacted_at)
    values (${workspaceId}, ${messageId}, ${wamid}, ${reactor}, ${emoji ?? null}, ${reactedAt})
    on conflict (workspace_id, message_id, reaction_wamid) do nothing`);
  return rowCount === 1;
}

export interface StoredReaction {
  messageId: string;
  wamid: string;
  reactor: string;
  reactedAt: Date;
}

export async function reactionsOf(
  tx: Tx,
  workspaceId: string,
  identityIds: readonly string[],
): Promise<StoredReaction[]> {
  const { rows } = await tx.query(sql`
    select message_id as "messageId", reaction_wamid as wamid, reactor, reacted_at as "reactedAt"
    from message_reaction where workspace_id = ${workspaceId} and reactor = any (${identityIds}::text[])`);
  return rows;
}

/** It was somebody else who reacted: the phone had another holder then. */
export async function reassignReaction(
  tx: Tx,
  workspaceId: string,
  reaction: StoredReaction,
  reactor: string,
): Promise<void> {
  await tx.query(sql`
    update message_reaction set reactor = ${reactor}
    where workspace_id = ${workspaceId} and message_id = ${reaction.messageId} and reaction_wamid = ${reaction.wamid}`);
}
