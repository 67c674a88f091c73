import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Asks every CRM of the workspace to log these messages, in the transaction that made them known. */
export async function insertCrmWrites(
  tx: Tx,
  messages: readonly { workspaceId: string; messageId: string; marker: string }[],
  now: Date,
): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(sql.named("insert-crm-writes")`
    insert into crm_write (workspace_id, install_id, message_id, marker, next_try_at)
    select i.workspace_id, i.id, u.message_id, u.marker, ${now}
    from unnest(${messages.map((it) => it.workspaceId)}::uuid[], ${messages.map((it) => it.messageId)}::bigint[],
      ${messages.map((it) => it.marker)}::text[]) u(workspace_id, message_id, marker)
    join install i on i.workspace_id = u.workspace_id and i.uninstalled_at is null
    on conflict (workspace_id, install_id, message_id) do nothing`);
}
