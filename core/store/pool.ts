import pg from "pg";
import type { Log } from "#core/kit/log.ts";

export interface PoolShape {
  /** Shown by PostgreSQL as `triveni NAME`, so that an operator knows whose connection it is. */
  name: string;
  role?: string;
  statementMs?: number;
  max: number;
  log: Log;
}

const CONNECT_MS = 10_000;
const IDLE_MS = 30_000;

/** A session that sits in a transaction for so long has lost its worker, and holds its locks. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/** A pool that survives its server. The role is set as a start-up option: every connection of the pool has it from its first query on. */
export function openPool(connection: pg.PoolConfig, { name, role, statementMs, max, log }: PoolShape): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    application_name: `triveni ${name}`,
    max,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: IDLE_MS,
    ...(role !== undefined && {
      options: `-c role=${role}`,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    }),
    ...(statementMs !== undefined && { statement_timeout: statementMs }),
  });
  // Both listeners are a must: an idle client reports to the pool, one in use to itself, and an unheard error ends Node.
  pool.on("error", (err) => log.warn({ err, pool: name }, "an idle database connection was lost"));
  pool.on("connect", (client) => {
    client.on("error", (err) => log.debug({ err, pool: name }, "a database connection was lost"));
  });
  return pool;
}
