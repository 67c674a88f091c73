import { expect, test } from "vitest";
import { isTransient } from "#core/store/postgres-errors.ts";
import { sql } from "#core/store/sql.ts";
import { asWorkspace, asWorkspaces, inTransaction } from "#core/store/transaction.ts";
import { freshDatabase } from "#test/support/database.ts";

const database = await freshDatabase();
const workspaceId = "0b0e7a5c-5a80-4a0e-9d57-0d1c2b3a4f5e";
const otherId = "7f000000-0000-4000-8000-000000000002";

await database.owner.query("create table note (id int primary key)");

test("work that throws leaves nothing behind and its own error comes out", async () => {
  const failing = inTransaction(database.owner, async (tx) => {
    await tx.query(sql`insert into note values (${1})`);
    throw new Error("changed my mind");
  });

  await expect(failing).rejects.toThrow("changed my mind");
  expect(await noteIds()).not.toContain(1);
});

test("an error that the work swallows is told instead of a silent rollback", async () => {
  const swallowing = inTransaction(database.owner, async (tx) => {
    await tx.query(sql`insert into note values (${2})`);
    await tx.query("select 1 / 0").catch(() => {});
  });

  await expect(swallowing).rejects.toMatchObject({ code: "store.rolled_back" });
  expect(await noteIds()).not.toContain(2);
});

test("a client whose server went away is thrown out of the pool", async () => {
  const killed = inTransaction(database.owner, async (tx) => {
    const { rows } = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
    await database.owner.query(sql`select pg_terminate_backend(${rows[0]?.pid})`);
    await tx.query("select 1");
  });

  // Which words come first depends on whether the server's farewell or the closed socket is read first.
  expect(await killed.catch(isTransient)).toBe(true);
  await expect(database.owner.query("select 1")).resolves.toMatchObject({ rowCount: 1 });
});

test("an id that is no UUID never reaches the database", async () => {
  const injected = "'; drop table note; --";

  await expect(asWorkspace(database.app, injected, async () => {})).rejects.toMatchObject({
    code: "store.workspace_id",
  });
  await expect(asWorkspaces(database.worker, [workspaceId, ""], async () => {})).rejects.toMatchObject({
    kind: "invalid",
  });
});

test("work that returns is committed with its result", async () => {
  const result = await inTransaction(database.owner, async (tx) => {
    await tx.query(sql`insert into note values (${3})`);
    return "done";
  });

  expect(result).toBe("done");
  expect(await noteIds()).toContain(3);
});

test("the workspace of a request is set inside its transaction and nowhere after it", async () => {
  const setting = "select current_user as role, nullif(current_setting('app.workspace_id', true), '') as workspace";

  const inside = await asWorkspace(database.app, workspaceId, async (tx) => (await tx.query(setting)).rows[0]);
  const after = (await database.app.query(setting)).rows[0];

  expect(inside).toEqual({ role: "triveni_app", workspace: workspaceId });
  expect(after).toEqual({ role: "triveni_app", workspace: null });
});

test("a batch sees the list of its workspaces, which may be empty", async () => {
  const setting = "select current_user as role, current_setting('app.workspace_ids')::uuid[] as list";
  const read = (ids: string[]) => asWorkspaces(database.worker, ids, async (tx) => (await tx.query(setting)).rows[0]);

  expect(await read([workspaceId, otherId])).toEqual({ role: "triveni_worker", list: [workspaceId, otherId] });
  expect(await read([])).toEqual({ role: "triveni_worker", list: [] });
});

async function noteIds(): Promise<number[]> {
  const { rows } = await database.owner.query<{ id: number }>("select id from note");
  return rows.map(({ id }) => id);
}
