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

/** Keeps the latest word of a reactor; returns whether this one was it. */
export async function joinReaction(
  tx: Tx,
  workspaceId: string,
  messageId: string,
  reactor: string,
  { emoji, reactedAt, wamid }: ReactionFact,
): Promise<boolean> {
  const { rowCount } = await tx.query(sql.named("join-reaction")`
    insert into message_reaction as r (workspace_id, message_id, reactor, emoji, reacted_at, reaction_wamid)
    values (${workspaceId}, ${messageId}, ${reactor}, ${emoji ?? null}, ${reactedAt}, ${wamid})
    on conflict (workspace_id, message_id, reactor) do update
      set emoji = excluded.emoji, reacted_at = excluded.reacted_at, reaction_wamid = excluded.reaction_wamid
      where (excluded.reacted_at, excluded.reaction_wamid) > (r.reacted_at, r.reaction_wamid)`);
  return rowCount === 1;
}
