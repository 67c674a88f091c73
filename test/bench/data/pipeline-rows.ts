import type pg from "pg";
import { sql } from "#core/store/sql.ts";

export const DELIVERIES = 100_000;

/**
 * A day of raw deliveries under one writer, and lanes with waiting items for each number: what the statements of the
 * router and the workers meet.
 */
export async function insertPipelineRows(owner: pg.Pool): Promise<{ writerId: number }> {
  const { rows } = await owner.query<{ id: number }>(sql`
    insert into delivery_writer (routed_through) values (0) returning id`);
  const writerId = rows[0]?.id as number;
  const first = BigInt(writerId) * 2n ** 32n;
  await owner.query(
    sql`update delivery_writer set routed_through = ${first + BigInt(DELIVERIES / 2)} where id = ${writerId}`,
  );
  await owner.query(sql`
    insert into delivery (id, received_at, payload)
    select ${first}::bigint + at, now(), convert_to(repeat('x', 900), 'UTF8') from generate_series(1, ${DELIVERIES}) at`);
  await owner.query(sql`
    insert into lane (workspace_id, kind, waba_id, number_id)
    select n.workspace_id, kind, n.waba_id, n.id from business_number n, generate_series(0, 1) kind`);
  await owner.query(sql`
    insert into lane_item (kind, lane_id, delivery_id, received_at, bytes)
    select l.kind, l.id, ${first}::bigint + at, now(), 900 from lane l, generate_series(1, 200) at`);
  await owner.query("vacuum analyze");
  return { writerId };
}
