import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import type { Log } from "#core/kit/log.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "./embedded-database.ts";
import { KEY_LOOKUPS, openPool, PAGE_READS } from "./pool.ts";
import { isTransient } from "./postgres-errors.ts";
import { APP_ROLE, assertRole, ensureRoles, WORKER_ROLE } from "./roles.ts";
import { sql } from "./sql.ts";

export interface DatabaseOptions {
  /** DATABASE_URL. Undefined: our own PostgreSQL under `dataDir`. */
  url?: string | undefined;
  dataDir: string;
  /** Connections per pool, of which there are three. */
  poolMax?: number;
  log: Log;
  /** For tests of the embedded server: other programs, faster and less safe settings. */
  binaries?: string | undefined;
  settings?: readonly string[];
}

export interface Database {
  /** Owns the schema: migrations and graphile-worker. It sees every workspace, so no request may use it. */
  owner: pg.Pool;
  /** Requests, through `asWorkspace`: one workspace. */
  app: pg.Pool;
  /** Background work, through `asWorkspaces` or naming the workspace in its SQL. */
  worker: pg.Pool;
  /** For a pool or client of one's own (LISTEN); without a role, so it acts as the owner. */
  connection: pg.PoolConfig;
  embedded?: EmbeddedDatabase;
  /** Waits for clients that are in use, closes the pools, and leaves or stops the embedded server. May be called again. */
  end(): Promise<void>;
}

const POOL_MAX = 10;
const OLDEST_SERVER = 150_000;

/** Long enough for any page or batch of ours: what takes longer is stuck, and holds locks. */
const APP_STATEMENT_MS = 15_000;
const WORKER_STATEMENT_MS = 60_000;

/** Connected, with the roles in place and proven. The schema is not touched: `migrate(database.owner)` comes next. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, dataDir, binaries, settings, log } = options;
  if (url !== undefined) return openPools({ connectionString: url, keepAlive: true }, options);
  const embedded = await openEmbeddedDatabase({ dataDir, binaries, settings }, log);
  try {
    return await openPools(embedded.connection, options, embedded);
  } catch (error) {
    await embedded.end();
    throw error;
  }
}

async function openPools(
  connection: pg.PoolConfig,
  { poolMax: max = POOL_MAX, log }: DatabaseOptions,
  embedded?: EmbeddedDatabase,
): Promise<Database> {
  const owner = openPool(connection, { name: "owner", max, log });
  const app = openPool(connection, {
    name: "app",
    role: APP_ROLE,
    settings: PAGE_READS,
    statementMs: APP_STATEMENT_MS,
    max,
    log,
  });
  const worker = openPool(connection, {
    name: "worker",
    role: WORKER_ROLE,
    settings: KEY_LOOKUPS,
    statementMs: WORKER_STATEMENT_MS,
    max,
    log,
  });
  const endPools = () => Promise.all([app.end(), worker.end(), owner.end()]);
  try {
    await assertServer(owner);
    await ensureRoles(owner);
    await assertRole(app, APP_ROLE);
    await assertRole(worker, WORKER_ROLE);
  } catch (error) {
    await endPools();
    throw error;
  }
  let ending: Promise<void> | undefined;
  const end = async () => {
    await endPools();
    await embedded?.end();
  };
  const endOnce = () => {
    ending ??= end();
    return ending;
  };
  return { owner, app, worker, connection, ...(embedded && { embedded }), end: endOnce };
}

async function assertServer(owner: pg.Pool): Promise<void> {
  try {
    const { rows } = await owner.query<{ number: number; version: string }>(sql`
      select current_setting('server_version_num')::int as number, current_setting('server_version') as version`);
    const server = rows[0];
    if (server === undefined || server.number >= OLDEST_SERVER) return;
    const message = `PostgreSQL ${server.version} is too old: Triveni needs 15 or newer. Upgrade the server that DATABASE_URL names.`;
    throw new Failure("unavailable", "store.server_version", message);
  } catch (cause) {
    if (!isTransient(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The database does not answer (${reason}). Start it, or correct DATABASE_URL; without DATABASE_URL Triveni runs its own.`;
    throw new Failure("unavailable", "store.unavailable", message, { cause, next: { retry: "later" } });
  }
}
