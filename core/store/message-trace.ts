import { type Statement, sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** What `trace` asks, over all workspaces as the owner. Ids, states and times only: no text, phone, name or emoji. */

export type Row = Readonly<Record<string, string | number | boolean | Date | null>>;

export interface TracedMessage extends Row {
  workspace: string;
  id: string;
  receivedAt: Date;
}

/** By its own wamid, or by that of an edit or reaction that came for it. Each number is asked by its index. */
export async function messagesOf(tx: Tx, wamid: string): Promise<TracedMessage[]> {
  const { rows } = await tx.query<TracedMessage>(sql`
    with found as (
      select m.workspace_id, m.id from business_number n
        join message m on m.workspace_id = n.workspace_id and m.number_id = n.id and m.wamid = ${wamid}
      union select workspace_id, message_id from message_edit where edit_wamid = ${wamid}
      union select workspace_id, message_id from message_reaction where reaction_wamid = ${wamid}
    )
    select m.workspace_id as workspace, m.id, m.wamid, n.phone_number_id as "phoneNumberId", m.number_id as number,
      m.conversation_id as conversation, m.identity_id as identity, i.person_id as person, m.direction, m.origin,
      m.origin_id as "originId", m.type, m.sent_at as "sentAt", m.received_at as "receivedAt",
      m.opens_window as "opensWindow", m.base_rank as "baseRank", m.content_rank as "contentRank",
      m.status_rank as "statusRank", m.failure_code as "failureCode", m.edited_at as "editedAt",
      m.revoked_at as "revokedAt", m.version, c.version as "conversationVersion"
    from found join message m on m.workspace_id = found.workspace_id and m.id = found.id
    join business_number n on n.workspace_id = m.workspace_id and n.id = m.number_id
    left join identity i on i.workspace_id = m.workspace_id and i.id = m.identity_id
    left join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
    order by m.received_at, m.workspace_id`);
  return rows;
}

type Part = (workspace: string, message: string) => Statement;

/** What hangs on a message, by the word that `trace` prints for it. */
const partsOfMessage: Readonly<Record<string, Part>> = {
  status: (workspace, message) => sql`
    select status, nullif(participant, '') is not null as "ofParticipant", occurred_at as "occurredAt",
      pricing_category as category, pricing_type as pricing, pricing_model as model, billable,
      errors -> 0 ->> 'code' as "errorCode"
    from message_status where workspace_id = ${workspace} and message_id = ${message} order by occurred_at, status`,
  charge: (workspace, message) => sql`
    select pricing_category as category, pricing_type as pricing, charged_at as "chargedAt"
    from charge where workspace_id = ${workspace} and message_id = ${message}`,
  edit: (workspace, message) => sql`
    select edit_wamid as wamid, edited_at as "editedAt"
    from message_edit where workspace_id = ${workspace} and message_id = ${message} order by edited_at`,
  reaction: (workspace, message) => sql`
    select reaction_wamid as wamid, reacted_at as "reactedAt", emoji is null as "takenBack"
    from message_reaction where workspace_id = ${workspace} and message_id = ${message} order by reacted_at`,
  "CRM write": (workspace, message) => sql`
    select i.crm, w.install_id as install, w.state, w.activity_id as activity, w.record_id as record, w.attempts,
      w.next_try_at as "nextTryAt", substring(w.refusal from '"code": ?"([a-z0-9_.-]+)"') as refusal
    from crm_write w join install i on i.workspace_id = w.workspace_id and i.id = w.install_id
    where w.workspace_id = ${workspace} and w.message_id = ${message} order by i.crm, w.install_id`,
};

export async function partsOf(tx: Tx, { workspace, id }: TracedMessage): Promise<[string, Row][]> {
  const parts: [string, Row][] = [];
  for (const [name, ask] of Object.entries(partsOfMessage)) {
    const { rows } = await tx.query<Row>(ask(workspace, id));
    parts.push(...rows.map((row): [string, Row] => [name, row]));
  }
  return parts;
}

/** Our own sends that became this wamid, or that were made by a request. */
export async function sendsOf(tx: Tx, of: { wamid?: string; ids?: readonly string[] }): Promise<Row[]> {
  const { rows } = await tx.query<Row>(sql`
    select workspace_id as workspace, id, state, origin, origin_id as "originId", type, created_at as "createdAt",
      claimed_at as "claimedAt", state_at as "stateAt", attempts, refusal ->> 'code' as refusal, wamid,
      conversation_id as conversation, version
    from send where wamid = ${of.wamid ?? null} or id::text = any (${of.ids ?? []}::text[]) order by created_at`);
  return rows;
}

export async function auditOf(tx: Tx, requestId: string): Promise<(Row & { sendId: string | null })[]> {
  const { rows } = await tx.query(sql`
    select happened_at as "happenedAt", workspace_id as workspace, actor, action, subject, detail ->> 'sendId' as "sendId"
    from audit_entry where request_id = ${requestId} order by happened_at, id`);
  return rows;
}
