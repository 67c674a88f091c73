import { v7 as newId } from "uuid";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Who did or saw what (I11). No message text and no phone number: ids only. */
export interface AuditEntry {
  /** `hubspot:142`, `console:owner`. */
  actor: string;
  /** `timeline.read`, `reply.queued`. */
  action: string;
  /** `contact:5501`, `conversation:0199…`. */
  subject: string;
  detail?: Readonly<Record<string, string | number | boolean>>;
  requestId?: string;
  at: Date;
}

/** The one writer of the audit table. In the transaction of what it tells of: neither is kept without the other. */
export async function insertAuditEntry(tx: Tx, workspaceId: string, entry: AuditEntry): Promise<void> {
  await tx.query(sql`
    insert into audit_entry (workspace_id, id, actor, action, subject, detail, request_id, happened_at)
    values (${workspaceId}, ${newId()}, ${entry.actor}, ${entry.action}, ${entry.subject}, ${entry.detail},
      ${entry.requestId}, ${entry.at})`);
}
