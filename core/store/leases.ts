import type pg from "pg";
import { sql } from "./sql.ts";

export interface Lease {
  name: string;
  /** Grows with every holder: what a holder writes elsewhere can carry it, so that a late one is told apart. */
  fence: string;
  /** The last holder never released it: it was killed, or it kept the name on purpose because its outcome is unknown. */
  wasAbandoned: boolean;
}

/**
 * Takes each name that is free or whose holder let its time run out; returns those taken. Names are released by deleting
 * them, so the table holds only what is in use. Time is the database's: one clock for all processes.
 */
export async function acquireLeases(
  pool: pg.Pool,
  names: readonly string[],
  heldBy: string,
  ms: number,
): Promise<Lease[]> {
  const { rows } = await pool.query<Lease>(sql`
    insert into lease as l (name, held_by, held_until, fence)
    select name, ${heldBy}, clock_timestamp() + ${ms} * interval '1 ms', (extract(epoch from clock_timestamp()) * 1e6)::bigint
    from unnest(${[...names].sort()}::text[]) as wanted (name) -- sorted: two callers that want the same names do not deadlock
    on conflict (name) do update
      set held_by = excluded.held_by, held_until = excluded.held_until, fence = greatest(l.fence + 1, excluded.fence)
      where l.held_until is null or l.held_until <= clock_timestamp()
    returning name, fence, xmax <> 0 as "wasAbandoned" -- a fresh row has no xmax; a row taken over has one`);
  return rows;
}

/** Prolongs the names that are still held; returns those. A name that is missing in the answer is lost for good. */
export async function renewLeases(
  pool: pg.Pool,
  names: readonly string[],
  heldBy: string,
  ms: number,
): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(sql`
    update lease set held_until = clock_timestamp() + ${ms} * interval '1 ms'
    where name = any (${names}::text[]) and held_by = ${heldBy} and held_until > clock_timestamp()
    returning name`);
  return rows.map(({ name }) => name);
}

/** Gives names back. Those that somebody else has taken over meanwhile stay theirs. */
export async function releaseLeases(pool: pg.Pool, names: readonly string[], heldBy: string): Promise<void> {
  await pool.query(sql`delete from lease where name = any (${names}::text[]) and held_by = ${heldBy}`);
}

/** Keeps a name closed for `ms` from now and then lets it count as abandoned: what its holder did is not known. */
export async function abandonLeases(
  pool: pg.Pool,
  names: readonly string[],
  heldBy: string,
  ms: number,
): Promise<void> {
  await pool.query(sql`
    update lease set held_until = clock_timestamp() + ${ms} * interval '1 ms'
    where name = any (${names}::text[]) and held_by = ${heldBy}`);
}
