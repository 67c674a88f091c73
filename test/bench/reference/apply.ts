import type { Tx } from "#core/store/transaction.ts";

// The same final rows by plain SQL: every row is known beforehand and is written once, in batches of one transaction on
// one connection, as the worker role. No parsing, no looking up, no order, no repetition, no second try.

export type Row = readonly unknown[];

/** Rows by table, the columns in the order of the statements below. */
export interface PlainBatch {
  identities: Row[];
  attributes: Row[];
  newConversations: Row[];
  conversations: Row[];
  messages: Row[];
  ticked: Row[];
  statuses: Row[];
  charges: Row[];
  crmWrites: Row[];
}

const statements: Readonly<Record<keyof PlainBatch, string>> = {
  identities: `insert into identity (workspace_id, id, portfolio_key, kind, key, person_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[])`,
  attributes: `insert into identity_attribute (workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])`,
  newConversations: `insert into conversation (workspace_id, id, number_id, identity_id, version, last_message_at, last_live_inbound_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])`,
  conversations: `update conversation c set version = c.version + u.changes, last_message_at = greatest(c.last_message_at, u.at),
      last_live_inbound_at = greatest(c.last_live_inbound_at, u.at)
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[]) u(workspace_id, id, changes, at)
    where c.workspace_id = u.workspace_id and c.id = u.id`,
  messages: `insert into message (workspace_id, id, number_id, wamid, conversation_id, identity_id, direction, origin, type, body,
      sent_at, received_at, opens_window, base_rank, content_rank, version)
    select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[],
      $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::smallint[], $15::smallint[], $16::bigint[])`,
  ticked: `update message m set status_rank = u.status_rank, version = u.version
    from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::bigint[]) u(workspace_id, id, status_rank, version)
    where m.workspace_id = u.workspace_id and m.id = u.id`,
  statuses: `insert into message_status (workspace_id, message_id, status, occurred_at, pricing_type, pricing_category, pricing_model, billable)
    select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::boolean[])`,
  charges: `insert into charge (workspace_id, message_id, number_id, status_rank, pricing_type, pricing_category, charged_at)
    select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::timestamptz[])`,
  crmWrites: `insert into crm_write (workspace_id, install_id, message_id, marker, next_try_at)
    select u.*, 'tv' || u.message_id, now() from unnest($1::uuid[], $2::uuid[], $3::bigint[]) u(workspace_id, install_id, message_id)`,
};

/** The caller began the transaction and sees the workspaces. */
export async function writePlain(tx: Tx, batch: PlainBatch): Promise<void> {
  for (const [table, text] of Object.entries(statements)) {
    const rows = batch[table as keyof PlainBatch];
    if (rows.length === 0) continue;
    const values = (rows[0] as Row).map((_, column) => rows.map((row) => row[column]));
    await tx.query({ name: `plain ${table}`, text, values });
  }
}
