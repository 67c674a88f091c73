import type { StatusFact } from "#core/domain/fact.ts";
import { isCharging, statusRank } from "#core/domain/message-status.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface StatusRow {
  workspaceId: string;
  numberId: string;
  messageId: string;
  fact: StatusFact;
}

/**
 * Keeps every status once, with its earliest time and with its price whichever copy carried it, and counts the price
 * of the delivery once (I3, I14). Rows of one call may repeat each other.
 */
export async function joinStatuses(tx: Tx, rows: readonly StatusRow[]): Promise<void> {
  if (rows.length === 0) return;
  await insertStatuses(
    tx,
    distinct(rows, (it) => `${it.messageId} ${it.fact.status} ${it.fact.participant ?? ""}`),
  );
  const charging = rows.filter(({ fact }) => isCharging(fact.status) && fact.pricing?.type && fact.pricing.category);
  if (charging.length > 0)
    await insertCharges(
      tx,
      distinct(charging, (it) => it.messageId),
    );
}

/** One row a key: the lowest status, and of equal ones the earliest, with a price when any copy had one. */
function distinct(rows: readonly StatusRow[], keyOf: (row: StatusRow) => string): StatusRow[] {
  const kept = new Map<string, StatusRow>();
  for (const row of rows) {
    const key = keyOf(row);
    const other = kept.get(key);
    kept.set(key, other ? lower(other, row) : row);
  }
  return [...kept.values()].toSorted(
    (a, b) => Number(a.messageId) - Number(b.messageId) || (a.fact.status < b.fact.status ? -1 : 1),
  );
}

function lower(a: StatusRow, b: StatusRow): StatusRow {
  const order =
    statusRank(a.fact.status) - statusRank(b.fact.status) || a.fact.occurredAt.getTime() - b.fact.occurredAt.getTime();
  const [first, second] = order <= 0 ? [a, b] : [b, a];
  if (first.fact.status !== second.fact.status) return first;
  const pricing = first.fact.pricing ?? second.fact.pricing;
  const errors = first.fact.errors ?? second.fact.errors;
  return { ...first, fact: { ...first.fact, ...(pricing && { pricing }), ...(errors && { errors }) } };
}

async function insertStatuses(tx: Tx, rows: readonly StatusRow[]): Promise<void> {
  const pricing = <T>(pick: (it: NonNullable<StatusFact["pricing"]>) => T | undefined) =>
    rows.map(({ fact }) => (fact.pricing && pick(fact.pricing)) ?? null);
  await tx.query(sql.named("insert-statuses")`
    insert into message_status as s (workspace_id, message_id, status, participant, occurred_at, pricing_type,
      pricing_category, pricing_model, billable, errors)
    select * from unnest(${rows.map((it) => it.workspaceId)}::uuid[], ${rows.map((it) => it.messageId)}::bigint[],
      ${rows.map(({ fact }) => fact.status)}::text[], ${rows.map(({ fact }) => fact.participant ?? "")}::text[],
      ${rows.map(({ fact }) => fact.occurredAt)}::timestamptz[], ${pricing((it) => it.type)}::text[],
      ${pricing((it) => it.category)}::text[], ${pricing((it) => it.model)}::text[], ${pricing((it) => it.billable)}::boolean[],
      ${rows.map(({ fact }) => (fact.errors ? JSON.stringify(fact.errors) : null))}::jsonb[])
    on conflict (workspace_id, message_id, status, participant) do update
      set occurred_at = least(s.occurred_at, excluded.occurred_at),
        pricing_type = coalesce(s.pricing_type, excluded.pricing_type),
        pricing_category = coalesce(s.pricing_category, excluded.pricing_category),
        pricing_model = coalesce(s.pricing_model, excluded.pricing_model),
        billable = coalesce(s.billable, excluded.billable), errors = coalesce(s.errors, excluded.errors)
      where excluded.occurred_at < s.occurred_at or (s.pricing_type is null and excluded.pricing_type is not null)
        or (s.errors is null and excluded.errors is not null)`);
}

async function insertCharges(tx: Tx, rows: readonly StatusRow[]): Promise<void> {
  await tx.query(sql.named("insert-charges")`
    insert into charge as c (workspace_id, message_id, number_id, status_rank, pricing_type, pricing_category, charged_at)
    select * from unnest(${rows.map((it) => it.workspaceId)}::uuid[], ${rows.map((it) => it.messageId)}::bigint[],
      ${rows.map((it) => it.numberId)}::bigint[], ${rows.map(({ fact }) => statusRank(fact.status))}::smallint[],
      ${rows.map(({ fact }) => fact.pricing?.type)}::text[], ${rows.map(({ fact }) => fact.pricing?.category)}::text[],
      ${rows.map(({ fact }) => fact.occurredAt)}::timestamptz[])
    on conflict (workspace_id, message_id) do update
      set status_rank = excluded.status_rank, pricing_type = excluded.pricing_type,
        pricing_category = excluded.pricing_category, charged_at = excluded.charged_at
      where excluded.status_rank < c.status_rank
        or (excluded.status_rank = c.status_rank and excluded.charged_at < c.charged_at)`);
}
