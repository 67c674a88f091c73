import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";

/** A client inside a transaction. A function that takes one never commits; whoever began it does. */
export type Tx = pg.ClientBase;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export function inTransaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  return transact(pool, "begin", work);
}

/** As the app role, seeing one workspace only: row-level security answers as if the others did not exist. */
export async function asWorkspace<T>(pool: pg.Pool, workspaceId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  // One string, one round trip. `set` takes no parameters, hence the check of the id.
  return transact(pool, `begin; set local app.workspace_id = '${uuid(workspaceId)}'`, work);
}

/** As the worker role, seeing the workspaces of its batch. */
export async function asWorkspaces<T>(
  pool: pg.Pool,
  workspaceIds: readonly string[],
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const list = workspaceIds.map(uuid).join(",");
  return transact(pool, `begin; set local app.workspace_ids = '{${list}}'`, work);
}

/** Runs a part of a transaction that may fail without taking the rest with it. */
export async function inSavepoint<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await tx.query("savepoint part");
  try {
    const result = await work();
    await tx.query("release savepoint part");
    return result;
  } catch (error) {
    await tx.query("rollback to savepoint part; release savepoint part");
    throw error;
  }
}

async function transact<T>(pool: pg.Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query(begin);
    try {
      const result = await work(client);
      await commit(client);
      broken = false;
      return result;
    } catch (error) {
      broken = !(await rolledBack(client));
      throw error;
    }
  } finally {
    // A client that could not roll back may still be inside its transaction: nobody else may get it.
    client.release(broken);
  }
}

async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query("commit");
  // PostgreSQL answers `commit` with a silent rollback when a statement failed and the work caught its error.
  if (command !== "COMMIT") {
    const message = "The transaction was rolled back although its work returned: an error inside it was swallowed.";
    throw new Failure("unavailable", "store.rolled_back", message);
  }
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query("rollback");
    return true;
  } catch {
    // The connection is gone, and with it the transaction; the error that counts is the first one.
    return false;
  }
}

function uuid(id: string): string {
  if (UUID.test(id)) return id;
  throw new Failure("invalid", "store.workspace_id", `${JSON.stringify(id)} is not a workspace id: a UUID is needed.`);
}
