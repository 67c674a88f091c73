import pg from "pg";
import type { Log } from "#core/kit/log.ts";

export interface PoolShape {
  /** Shown by PostgreSQL as `triveni NAME`, so that an operator knows whose connection it is. */
  name: string;
  role?: string;
  /** `name=value` of PostgreSQL, for every connection of the pool. */
  settings?: readonly string[];
  statementMs?: number;
  max: number;
  log: Log;
}

/**
 * The worker's statements look up sets of keys, each by its own index. Their plans are made once per connection, often
 * while the tables are still small or never analysed: without this a plan that scans a table of ten rows is kept until
 * the table has a million (measured: 470 instead of 7,000 changes a second).
 */
export const KEY_LOOKUPS = [
  "enable_seqscan=off",
  "enable_hashjoin=off",
  "enable_mergejoin=off",
  "jit=off",
  "random_page_cost=1.1",
  "plan_cache_mode=force_custom_plan",
] as const;

/**
 * Screens read pages: the first rows of an index in its order. On a large conversation the planner preferred to fetch
 * all of it by bitmap and sort (measured: 17,000 pages instead of 25).
 */
export const PAGE_READS = ["enable_bitmapscan=off", "enable_sort=off", "jit=off"] as const;

const CONNECT_MS = 10_000;
const UNHEARD_MS = 5_000;
const IDLE_MS = 30_000;

/** A session that sits in a transaction for so long has lost its worker, and holds its locks. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/** A pool that survives its server. The role is set as a start-up option: every connection of the pool has it from its first query on. */
export function openPool(
  connection: pg.PoolConfig,
  { name, role, settings = [], statementMs, max, log }: PoolShape,
): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    application_name: `triveni ${name}`,
    max,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: IDLE_MS,
    ...(role !== undefined && {
      options: [`role=${role}`, ...settings].map((setting) => `-c ${setting}`).join(" "),
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    }),
    // The server's own limit, and ours behind it for a server that cannot be heard any more.
    ...(statementMs !== undefined && { statement_timeout: statementMs, query_timeout: statementMs + UNHEARD_MS }),
  });
  // Both listeners are a must: an idle client reports to the pool, one in use to itself, and an unheard error ends Node.
  pool.on("error", (err) => log.warn({ err, pool: name }, "an idle database connection was lost"));
  pool.on("connect", (client) => {
    client.on("error", (err) => log.debug({ err, pool: name }, "a database connection was lost"));
  });
  return pool;
}
