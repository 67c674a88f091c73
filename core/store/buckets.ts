import type pg from "pg";
import { sql } from "./sql.ts";

/** At most `capacity` at once and `perSecond` in the long run, over all processes that use the name. */
export interface BucketLimit {
  name: string;
  capacity: number;
  perSecond: number;
}

/**
 * Reserves `count` tokens and returns how many milliseconds the caller must wait before it uses them. Undefined when
 * that would be more than `waitMsMax`: then nothing was reserved. Reservations are served in the order they were made.
 */
export async function takeTokens(
  pool: pg.Pool,
  { name, capacity, perSecond }: BucketLimit,
  count: number,
  waitMsMax: number,
): Promise<number | undefined> {
  // Tokens may go below zero: the debt is the queue. Time is the database's, and never runs backwards here.
  const { rows } = await pool.query<{ tokens: number }>(sql.named("take-tokens")`
    insert into bucket as b (name, tokens, refilled_at)
    values (${name}, ${capacity}::float8 - ${count}::float8, clock_timestamp())
    on conflict (name) do update
      set tokens = least(${capacity}::float8, b.tokens + ${perSecond}::float8
            * greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)::float8)) - ${count}::float8,
          refilled_at = greatest(b.refilled_at, excluded.refilled_at)
      where least(${capacity}::float8, b.tokens + ${perSecond}::float8
            * greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)::float8)) - ${count}::float8
            >= -(${perSecond}::float8 * ${waitMsMax}::float8 / 1000)
    returning tokens`);
  const tokens = rows[0]?.tokens;
  if (tokens === undefined) return undefined;
  return tokens >= 0 ? 0 : Math.ceil((-tokens / perSecond) * 1000);
}

/** Nobody gets a token of this bucket for `ms`: the other side said that it has had enough. */
export async function pauseBucket(
  pool: pg.Pool,
  { name, capacity, perSecond }: BucketLimit,
  ms: number,
): Promise<void> {
  const debt = Math.min(capacity, 1 - (perSecond * ms) / 1000);
  await pool.query(sql`
    insert into bucket as b (name, tokens, refilled_at) values (${name}, ${debt}::float8, clock_timestamp())
    on conflict (name) do update set tokens = least(b.tokens, ${debt}::float8), refilled_at = clock_timestamp()`);
}
