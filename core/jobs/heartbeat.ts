import { makeWorkerUtils } from "graphile-worker";
import type pg from "pg";
import type { Log } from "#core/kit/log.ts";
import { sql } from "#core/store/sql.ts";

const everyMs = 15_000;
const staleAfterMs = 45_000;

export interface Heartbeat {
  stop(): Promise<void>;
}

/**
 * A worker that was killed keeps its jobs locked for four hours by default. Ours sign a heartbeat, and whoever sees
 * one without a pulse gives its jobs back, so that they run again within a minute.
 */
export async function startHeartbeat(owner: pg.Pool, log: Log, ids: ReadonlySet<string>): Promise<Heartbeat> {
  const utils = await makeWorkerUtils({ pgPool: owner });

  async function beat(): Promise<void> {
    try {
      await owner.query(sql`
        insert into worker (id) select unnest(${[...ids]}::text[])
        on conflict (id) do update set heartbeat_at = now()`);
      const { rows } = await owner.query(sql`
        select distinct j.locked_by as id from graphile_worker.jobs j
        left join worker w on w.id = j.locked_by and w.heartbeat_at > now() - ${staleAfterMs} * interval '1 ms'
        where j.locked_by is not null and w.id is null and j.locked_at < now() - ${staleAfterMs} * interval '1 ms'`);
      if (rows.length > 0) {
        await utils.forceUnlockWorkers(rows.map((row) => row.id));
        log.warn({ workers: rows.length }, "jobs of a worker that died were given back");
      }
      await owner.query("delete from worker where heartbeat_at < now() - interval '1 day'");
    } catch (error) {
      log.warn({ err: error }, "heartbeat missed; the next one tries again");
    }
  }

  const timer = setInterval(() => void beat(), everyMs);
  await beat();
  return {
    async stop() {
      clearInterval(timer);
      await owner.query(sql`delete from worker where id = any (${[...ids]}::text[])`).catch(() => undefined);
      await utils.release();
    },
  };
}
