import type pg from "pg";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Who a console token stands for. */
export interface ConsoleVisitor {
  workspaceId: string;
  agent: string;
}

export async function insertConsoleEntry(
  tx: Tx,
  { workspaceId, agent }: ConsoleVisitor,
  tokenHash: Buffer,
  expiresAt: Date,
): Promise<void> {
  await tx.query(sql`
    insert into console_entry (workspace_id, token_hash, agent, expires_at)
    values (${workspaceId}, ${tokenHash}, ${agent}, ${expiresAt})`);
}

/** Uses a set-up link up. Undefined when it is unknown, too old, or was used: whoever comes second gets nothing. */
export async function useConsoleEntry(app: pg.Pool, tokenHash: Buffer, at: Date): Promise<ConsoleVisitor | undefined> {
  const { rows } = await app.query<ConsoleVisitor>(sql`
    select workspace_id as "workspaceId", agent from use_console_entry(${tokenHash}, ${at})`);
  return rows[0];
}

export async function insertConsoleSession(
  tx: Tx,
  { workspaceId, agent }: ConsoleVisitor,
  tokenHash: Buffer,
  { startedAt, expiresAt }: { startedAt: Date; expiresAt: Date },
): Promise<void> {
  await tx.query(sql`
    insert into console_session (workspace_id, token_hash, agent, started_at, expires_at)
    values (${workspaceId}, ${tokenHash}, ${agent}, ${startedAt}, ${expiresAt})`);
}

export async function endConsoleSession(tx: Tx, workspaceId: string, tokenHash: Buffer, at: Date): Promise<void> {
  await tx.query(sql`
    update console_session set ended_at = ${at}
    where workspace_id = ${workspaceId} and token_hash = ${tokenHash} and ended_at is null`);
}

export async function selectConsoleSession(
  app: pg.Pool,
  tokenHash: Buffer,
  at: Date,
): Promise<ConsoleVisitor | undefined> {
  const { rows } = await app.query<ConsoleVisitor>(sql`
    select workspace_id as "workspaceId", agent from console_session_of(${tokenHash}, ${at})`);
  return rows[0];
}
