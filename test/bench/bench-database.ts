import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import { makeLog } from "#core/kit/log.ts";
import { type Database, openDatabase } from "#core/store/database.ts";
import { migrate } from "#core/store/migrate.ts";
import { sql } from "#core/store/sql.ts";
import { makeBenchFolder, removeBenchFolder } from "./bench-folder.ts";

export interface BenchDatabase extends Database {
  dataDir: string;
}

/** Runs `work` on a database in a folder of its own on a real disk, and removes everything afterwards. */
export async function withBenchDatabase<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T> {
  const folder = makeBenchFolder();
  try {
    return await withDatabaseIn(folder, work);
  } finally {
    removeBenchFolder(folder);
  }
}

/** Runs `work` on an embedded server with production settings, migrated to head and proven durable; stops it afterwards. */
export async function withDatabaseIn<T>(dataDir: string, work: (database: BenchDatabase) => Promise<T>): Promise<T> {
  const database = await openDatabase({ dataDir, log: makeLog("error") });
  try {
    await migrate(database.owner);
    for (const pool of [database.owner, database.app, database.worker]) await assertDurable(pool);
    return await work({ ...database, dataDir });
  } finally {
    await database.end();
  }
}

/** A figure from a server that does not wait for its disk would say nothing. */
export async function assertDurable(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; setting: string }>(sql`
    select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')`);
  const off = rows.filter(({ setting }) => setting !== "on").map(({ name, setting }) => `${name} is ${setting}`);
  if (rows.length === 3 && off.length === 0) return;
  throw new Failure("invalid", "bench.not_durable", `Not measured: ${off.join(", ")}. Turn it on.`);
}
