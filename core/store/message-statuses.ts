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
  const keyOf = ({ messageId, fact }: StatusRow) => `${messageId} ${fact.status} ${fact.participant ?? ""}`;
  for (const round of rounds(rows, keyOf)) await insertStatuses(tx, round);
  const charging = rows.filter(({ fact }) => isCharging(fact.status) && fact.pricing?.type && fact.pricing.category);
  for (const round of rounds(charging, (row) => row.messageId)) await insertCharges(tx, round);
}

/** One statement cannot meet a row twice: what repeats a key waits for the next. Nearly always there is one round. */
function rounds(rows: readonly StatusRow[], keyOf: (row: StatusRow) => string): StatusRow[][] {
  const met = new Map<string, number>();
  const parts: StatusRow[][] = [];
  for (const row of rows) {
    const turn = met.get(keyOf(row)) ?? 0;
    met.set(keyOf(row), turn + 1);
    const part = parts[turn];
    if (part) part.push(row);
    else parts[turn] = [row];
  }
  return parts;
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
      -- least() passes over nulls: whichever copy had a price or a reason gives it, in any order of arrival.
      set occurred_at = least(s.occurred_at, excluded.occurred_at),
        pricing_type = least(s.pricing_type, excluded.pricing_type),
        pricing_category = least(s.pricing_category, excluded.pricing_category),
        pricing_model = least(s.pricing_model, excluded.pricing_model),
        billable = least(s.billable, excluded.billable), errors = least(s.errors, excluded.errors)
      where (s.occurred_at, s.pricing_type, s.pricing_category, s.pricing_model, s.billable, s.errors) is distinct from (
        least(s.occurred_at, excluded.occurred_at), least(s.pricing_type, excluded.pricing_type),
        least(s.pricing_category, excluded.pricing_category), least(s.pricing_model, excluded.pricing_model),
        least(s.billable, excluded.billable), least(s.errors, excluded.errors))`);
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
      where (excluded.status_rank, excluded.charged_at, excluded.pricing_type, excluded.pricing_category)
        < (c.status_rank, c.charged_at, c.pricing_type, c.pricing_category)`);
}
