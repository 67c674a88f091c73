import pg from "pg";
import { sqlStateOf } from "./postgres-errors.ts";
import { sql } from "./sql.ts";

/** Name of both the login role and the database that it owns. */
export const LOGIN = "triveni";

/** Duplicate role, duplicate database, and what the loser sees when two processes create them in the same moment. */
const ALREADY_THERE = new Set(["42710", "42P04", "23505"]);

const CONNECT_MS = 10_000;

/**
 * Makes the login role and its database in an embedded server, once. The login is no superuser and cannot bypass row-level
 * security: it may create the roles and the databases (for tests and restores) that it needs. Only this function uses `postgres`.
 */
export async function bootstrapServer(socketDir: string): Promise<void> {
  const client = new pg.Client({
    host: socketDir,
    user: "postgres",
    database: "postgres",
    application_name: "triveni bootstrap",
    connectionTimeoutMillis: CONNECT_MS,
  });
  client.on("error", () => {}); // The query that was running rejects as well; without a listener Node would end.
  await client.connect();
  try {
    const { rowCount } = await client.query(sql`select from pg_database where datname = ${LOGIN}`);
    if (rowCount === 1) return;
    await unlessThere(client, `create role ${LOGIN} login createdb createrole`);
    await unlessThere(client, `create database ${LOGIN} owner ${LOGIN}`);
  } finally {
    await client.end();
  }
}

async function unlessThere(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (!ALREADY_THERE.has(sqlStateOf(error) ?? "")) throw error;
  }
}
