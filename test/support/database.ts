import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, inject } from "vitest";
import { makeLog } from "#core/kit/log.ts";
import { LOGIN } from "#core/store/bootstrap.ts";
import { KEY_LOOKUPS, openPool, PAGE_READS } from "#core/store/pool.ts";
import { APP_ROLE, WORKER_ROLE } from "#core/store/roles.ts";

export interface TestDatabase {
  owner: pg.Pool;
  app: pg.Pool;
  worker: pg.Pool;
  /** For code under test that opens its own pool or client. */
  connection: pg.PoolConfig;
  /** Called after the file's last test. Fails when a client was not given back to its pool. */
  drop(): Promise<void>;
}

const POOL_MAX = 5;
const SETTLE_MS = 1_000;
const POLL_MS = 10;

/**
 * An own, migrated, empty database for this test file: `const database = await freshDatabase();` at its top.
 * A copy of the run's template takes about 10 ms, so files never share rows and may run in parallel.
 */
export async function freshDatabase(): Promise<TestDatabase> {
  const { socketDir: host, template } = inject("postgres");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const connection = { host, user: LOGIN, database: name };
  await asAdmin(host, `create database ${name} template ${template} strategy file_copy`);

  const log = makeLog("silent");
  const pools = {
    owner: openPool(connection, { name: "owner", max: POOL_MAX, log }),
    app: openPool(connection, { name: "app", role: APP_ROLE, settings: PAGE_READS, max: POOL_MAX, log }),
    worker: openPool(connection, { name: "worker", role: WORKER_ROLE, settings: KEY_LOOKUPS, max: POOL_MAX, log }),
  };
  let isDropped = false;

  async function drop(): Promise<void> {
    if (isDropped) return;
    isDropped = true;
    const leaked = await notReleased(pools);
    // Ends the sessions of leaked clients too: ending their pool would wait for them for ever.
    if (leaked.length === 0) await Promise.all(Object.values(pools).map((pool) => pool.end()));
    await asAdmin(host, `drop database ${name} with (force)`);
    if (leaked.length > 0)
      throw new Error(`Clients were not released: ${leaked.join(", ")}. Release each in a finally.`);
  }

  afterAll(drop);
  return { ...pools, connection, drop };
}

async function notReleased(pools: Record<string, pg.Pool>): Promise<string[]> {
  const leaks = () =>
    Object.entries(pools)
      .filter(([, pool]) => pool.totalCount > pool.idleCount)
      .map(([name, pool]) => `${pool.totalCount - pool.idleCount} of ${name}`);
  // A worker that was just told to stop may still be giving its client back.
  const deadline = performance.now() + SETTLE_MS;
  while (leaks().length > 0 && performance.now() < deadline) await sleep(POLL_MS);
  return leaks();
}

async function asAdmin(host: string, statement: string): Promise<void> {
  const client = new pg.Client({ host, user: LOGIN, database: LOGIN });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
