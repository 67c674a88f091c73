import { writerLock } from "./deliveries.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** What `doctor` asks about work that waits, over all workspaces: as the owner, counts and times only. */

/** Counting stops here: more is told as "1000 or more". */
export const countMax = 1000;

export async function recordFacts(tx: Tx, now: Date): Promise<{ missingDays: string[]; rowsInDefault: number }> {
  const { rows } = await tx.query(sql`
    select array(select to_char(day, 'YYYY-MM-DD') from generate_series(0, 3) ahead
        cross join lateral (select (${now}::timestamptz at time zone 'UTC')::date + ahead as day) d
        where to_regclass('public.delivery_' || to_char(day, 'YYYYMMDD')) is null) as "missingDays",
      (select count(*)::int from (select from delivery_default limit ${countMax}) d) as "rowsInDefault"`);
  return rows[0];
}

export interface Waiting {
  /** Recorded and in no lane yet. */
  unroutedSince: Date | null;
  live: number;
  liveSince: Date | null;
  history: number;
  historySince: Date | null;
}

export async function waitingDeliveries(tx: Tx): Promise<Waiting> {
  const { rows } = await tx.query(sql`
    select (select min(d.received_at) from delivery_writer w cross join lateral (
        select received_at from delivery d
        where d.id > w.routed_through and d.id < 4294967296::bigint * (w.id::bigint + 1)
          and d.received_at >= w.routed_at - interval '1 day' order by d.id limit 1) d) as "unroutedSince",
      count(*) filter (where kind = 0)::int as live, min(received_at) filter (where kind = 0) as "liveSince",
      count(*) filter (where kind = 1)::int as history, min(received_at) filter (where kind = 1) as "historySince"
    from lane_item`);
  return rows[0];
}

export async function parkedByReason(tx: Tx): Promise<{ reason: string; count: number; oldestAt: Date }[]> {
  const { rows } = await tx.query(sql`
    select reason, count(*)::int as count, min(received_at) as "oldestAt" from parked_item
    where reapplied_at is null group by reason order by 2 desc, 1 limit 20`);
  return rows;
}

export async function unroutedFacts(tx: Tx): Promise<{ changes: number; places: number; until: Date | null }> {
  const { rows } = await tx.query(sql`
    select count(*)::int as changes, count(distinct coalesce(phone_number_id, waba_id, display_phone))::int as places,
      min(kept_until) as until from unrouted_change`);
  return rows[0];
}

/** A writer whose lock is free has died; the hourly round forgets it once its deliveries are routed. */
export async function writerFacts(tx: Tx): Promise<{ alive: number; dead: number; deadSince: Date | null }> {
  const { rows } = await tx.query(sql`
    select count(*) filter (where is_alive)::int as alive, count(*) filter (where not is_alive)::int as dead,
      min(started_at) filter (where not is_alive) as "deadSince"
    from (select w.started_at, exists (select from pg_locks l
      where l.locktype = 'advisory' and l.classid = ${writerLock}::oid and l.objid = w.id::oid and l.objsubid = 2
        and l.database = (select oid from pg_database where datname = current_database())) as is_alive
      from delivery_writer w) w`);
  return rows[0];
}

export async function workerFacts(tx: Tx): Promise<{ fresh: number; lastAt: Date | null }> {
  const { rows } = await tx.query(sql`
    select count(*) filter (where heartbeat_at > now() - interval '45 seconds')::int as fresh, max(heartbeat_at) as "lastAt"
    from worker`);
  return rows[0];
}

/** Something was said about a message that never came itself. */
export async function oldSkeletons(tx: Tx, before: Date): Promise<number> {
  const { rows } = await tx.query(sql`
    select count(*)::int as count from (
      select from message where base_rank = 0 and received_at < ${before} limit ${countMax}) m`);
  return rows[0].count;
}

export async function unconfirmedSends(tx: Tx): Promise<{ count: number; oldestAt: Date | null }> {
  const { rows } = await tx.query(sql`
    select count(*)::int as count, min(state_at) as "oldestAt" from send where state = 'unconfirmed'`);
  return rows[0];
}

/** By the code of the refusal; its detail may name a person's properties. */
export async function refusedCrmWrites(tx: Tx): Promise<{ crm: string; code: string; count: number }[]> {
  const { rows } = await tx.query(sql`
    select i.crm, coalesce(substring(w.refusal from '"code": ?"([a-z0-9_.-]+)"'), 'other') as code, count(*)::int as count
    from crm_write w join install i on i.workspace_id = w.workspace_id and i.id = w.install_id
    where w.state = 'refused' group by 1, 2 order by 3 desc, 1, 2 limit 20`);
  return rows;
}
