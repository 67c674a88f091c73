import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import { type MigrationFile, readMigrations } from "./migration-files.ts";
import { sqlStateOf } from "./postgres-errors.ts";
import { sql } from "./sql.ts";
import { inTransaction, type Tx } from "./transaction.ts";

interface AppliedMigration {
  number: number;
  name: string;
  checksum: string;
}

/**
 * Brings the schema up to the files in `folder` and returns the names of those applied now. Forward only.
 * Takes the owner's pool. Safe to run in many processes at once; refuses an edited file and a database newer than the files.
 */
export async function migrate(owner: pg.Pool, folder?: string): Promise<string[]> {
  const files = readMigrations(folder);
  await createMigrationTable(owner);
  const applied = await selectApplied(owner);
  refuseNewer(applied, files);
  refuseEdited(applied, files);

  const appliedNow: string[] = [];
  const latest = applied.at(-1)?.number ?? 0;
  const known = new Set(applied.map(({ number }) => number));
  for (const file of files.filter(({ number }) => !known.has(number))) {
    if (file.number < latest) throw late(file, latest);
    if (await apply(owner, file)) appliedNow.push(file.name);
  }
  return appliedNow;
}

/** False when another starting process applied it first. */
async function apply(owner: pg.Pool, file: MigrationFile): Promise<boolean> {
  try {
    return await inTransaction(owner, async (tx) => {
      // Number first: a second process waits here until the first has committed, and then sees the clash.
      if (!(await insertMigration(tx, file))) return false;
      await tx.query(file.text);
      return true;
    });
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Migration ${file.name} failed: ${reason}. Nothing of it was kept.`;
    throw new Failure("unavailable", "store.migration_failed", message, { cause });
  }
}

async function insertMigration(tx: Tx, { number, name, checksum }: MigrationFile): Promise<boolean> {
  const { rowCount } = await tx.query(sql`
    insert into migration (number, name, checksum) values (${number}, ${name}, ${checksum})
    on conflict (number) do nothing`);
  if (rowCount === 1) return true;

  const { rows } = await tx.query<AppliedMigration>(sql`
    select number, name, checksum from migration where number = ${number}`);
  refuseEdited(rows, [{ number, name, checksum }]);
  return false;
}

async function selectApplied(owner: pg.Pool): Promise<AppliedMigration[]> {
  const { rows } = await owner.query<AppliedMigration>(sql`
    select number, name, checksum from migration order by number`);
  return rows;
}

async function createMigrationTable(owner: pg.Pool): Promise<void> {
  try {
    await owner.query(sql`
      create table if not exists migration (
        number int primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`);
  } catch (error) {
    // "if not exists" does not help two processes that create it in the same moment: the loser finds it in the catalogue.
    if (!["23505", "42P07"].includes(sqlStateOf(error) ?? "")) throw error;
  }
}

function refuseNewer(applied: readonly AppliedMigration[], files: readonly MigrationFile[]): void {
  const newest = files.at(-1)?.number ?? 0;
  const unknown = applied.find(({ number }) => number > newest);
  if (unknown === undefined) return;
  const message = `The database has migration ${unknown.name}, but this Triveni only knows up to ${newest}: an older version is starting on a newer database. Start the newer version, or restore the backup made before the upgrade.`;
  throw new Failure("conflict", "store.database_newer", message);
}

function refuseEdited(applied: readonly AppliedMigration[], files: readonly Omit<MigrationFile, "text">[]): void {
  for (const { number, name, checksum } of applied) {
    const file = files.find((one) => one.number === number);
    if (file?.checksum === checksum) continue;
    const what = file === undefined ? "is missing from the files" : "was changed after it was applied";
    const message = `Migration ${name} ${what}. Restore the file as it was released, and put the change into a new migration.`;
    throw new Failure("conflict", "store.migration_edited", message);
  }
}

function late(file: MigrationFile, latest: number): Failure {
  const message = `Migration ${file.name} comes too late: the database is already at ${latest}. Give it the next free number.`;
  return new Failure("conflict", "store.migration_late", message);
}
