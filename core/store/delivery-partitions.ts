import type pg from "pg";
import { sql } from "./sql.ts";

const daysAhead = 4;

/** Makes the partitions of today and the next days. Owner only; doing it twice does nothing. */
export async function makePartitions(owner: pg.Pool, now: Date): Promise<number> {
  const { rows } = await owner.query(sql`
    select make_delivery_partitions((${now}::timestamptz at time zone 'UTC')::date, ${daysAhead}) as made`);
  return rows[0].made;
}

/** Daily partitions that are older than `keptDays` and hold nothing that still has to be applied; oldest first. */
export async function partitionsToDrop(
  owner: pg.Pool,
  now: Date,
  keptDays: number,
): Promise<{ droppable: string[]; stillNeeded: string[] }> {
  const { rows } = await owner.query(sql`
    with old as (
      select c.relname as name, to_date(right(c.relname, 8), 'YYYYMMDD') as day
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'delivery'::regclass and c.relname ~ '^delivery_[0-9]{8}$'
    ), needed as (
      select least((select min(received_at) from lane_item), (select min(received_at) from unrouted_change),
        (select min(d.received_at) from delivery_writer w join delivery d
          on d.id > w.routed_through and d.id < 4294967296::bigint * (w.id::bigint + 1))) as since
    )
    select name, day + 1 > coalesce((select since at time zone 'UTC' from needed), 'infinity') as "isNeeded" from old
    where day < (${now}::timestamptz at time zone 'UTC')::date - ${keptDays}::int order by day`);
  return {
    droppable: rows.filter((row) => !row.isNeeded).map((row) => row.name),
    stillNeeded: rows.filter((row) => row.isNeeded).map((row) => row.name),
  };
}

/** Drops one day. Waits two seconds for its lock at most: writers of other days must not queue behind us. */
export async function dropPartition(owner: pg.Pool, name: string): Promise<void> {
  if (!/^delivery_\d{8}$/.test(name)) throw new RangeError(`${name} is no day of deliveries`);
  const client = await owner.connect();
  try {
    await client.query("begin; set local lock_timeout = '2s'");
    await client.query(`drop table ${name}`);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}
