import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate } from "#core/store/migrate.ts";
import { freshDatabase } from "#test/support/database.ts";

const { owner } = await freshDatabase();
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "triveni-migrations-"));
  // The template is migrated already; these tests bring their own history.
  await owner.query("drop table if exists migration, first, second");
});

afterEach(() => rmSync(folder, { recursive: true }));

test("a migration that fails leaves neither its changes nor its number", async () => {
  write("0001_first", "create table first (id int); select 1 / 0");

  await expect(migrate(owner, folder)).rejects.toMatchObject({
    code: "store.migration_failed",
    message: "Migration 0001_first failed: division by zero. Nothing of it was kept.",
  });

  expect(await applied()).toEqual([]);
  expect(await hasTable("first")).toBe(false);
});

test("a migration that was edited after it was applied is refused in words", async () => {
  write("0001_first", "create table first (id int)");
  await migrate(owner, folder);
  write("0001_first", "create table first (id bigint)");

  await expect(migrate(owner, folder)).rejects.toThrow(
    "Migration 0001_first was changed after it was applied. Restore the file as it was released, and put the change into a new migration.",
  );
});

test("a database that a newer version has migrated is refused in words", async () => {
  write("0001_first", "create table first (id int)");
  write("0002_second", "create table second (id int)");
  await migrate(owner, folder);
  rmSync(path.join(folder, "0002_second.sql"));

  await expect(migrate(owner, folder)).rejects.toThrow(
    "The database has migration 0002_second, but this Triveni only knows up to 1: an older version is starting on a newer database.",
  );
});

test("a migration with a number below those applied is refused", async () => {
  write("0002_second", "create table second (id int)");
  await migrate(owner, folder);
  write("0001_first", "create table first (id int)");

  await expect(migrate(owner, folder)).rejects.toMatchObject({ code: "store.migration_late" });
});

test("two migrations with one number, and a name that does not fit, are refused", async () => {
  write("0001_first", "select 1");
  write("0001_second", "select 2");
  await expect(migrate(owner, folder)).rejects.toMatchObject({ code: "store.migration_number" });

  rmSync(path.join(folder, "0001_second.sql"));
  write("2-second", "select 2");
  await expect(migrate(owner, folder)).rejects.toMatchObject({ code: "store.migration_name" });
});

test("many processes that start at once apply each migration once", async () => {
  write("0001_first", "create table first (id int); select pg_sleep(0.05)");
  write("0002_second", "create table second (id int)");

  const done = await Promise.all([migrate(owner, folder), migrate(owner, folder), migrate(owner, folder)]);

  expect(done.flat().sort()).toEqual(["0001_first", "0002_second"]);
  expect(await applied()).toEqual([1, 2]);
});

test("line ends that a checkout turned around are no edit", async () => {
  write("0001_first", "create table first (\n  id int)");
  await migrate(owner, folder);
  write("0001_first", "create table first (\r\n  id int)");

  await expect(migrate(owner, folder)).resolves.toEqual([]);
});

function write(name: string, text: string): void {
  writeFileSync(path.join(folder, `${name}.sql`), text);
}

async function applied(): Promise<number[]> {
  const { rows } = await owner.query<{ number: number }>("select number from migration order by number");
  return rows.map(({ number }) => number);
}

async function hasTable(name: string): Promise<boolean> {
  const { rows } = await owner.query<{ is: boolean }>("select to_regclass($1) is not null as is", [name]);
  return rows[0]?.is ?? false;
}
