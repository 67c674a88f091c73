import type pg from "pg";
import type { Sealer } from "#core/kit/seal.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface Install {
  workspaceId: string;
  installId: string;
  crm: string;
  crmAccountId: string;
}

export interface InstallTokens {
  accessToken: string;
  refreshToken: string;
  expiresAt: Date;
}

/** Connects a CRM account. Throws PostgreSQL's 23505 when the account is connected already, here or elsewhere. */
export async function insertInstall(tx: Tx, install: Install, tokens: InstallTokens, sealer: Sealer): Promise<void> {
  const { workspaceId, installId, crm, crmAccountId } = install;
  await tx.query(sql`
    insert into install (workspace_id, id, crm, crm_account_id, tokens_sealed, token_expires_at)
    values (${workspaceId}, ${installId}, ${crm}, ${crmAccountId}, ${sealed(install, tokens, sealer)}, ${tokens.expiresAt})`);
}

/** Undefined when the install is unknown or was uninstalled. */
export async function selectInstall(tx: Tx, workspaceId: string, installId: string): Promise<Install | undefined> {
  const { rows } = await tx.query<Install>(sql`
    select workspace_id as "workspaceId", id as "installId", crm, crm_account_id as "crmAccountId"
    from install where workspace_id = ${workspaceId} and id = ${installId} and uninstalled_at is null`);
  return rows[0];
}

/** Undefined when the install is gone, or has no tokens (any more). */
export async function selectTokens(tx: Tx, install: Install, sealer: Sealer): Promise<InstallTokens | undefined> {
  const { rows } = await tx.query<{ sealed: Buffer | null; expiresAt: Date | null }>(sql`
    select tokens_sealed as sealed, token_expires_at as "expiresAt" from install
    where workspace_id = ${install.workspaceId} and id = ${install.installId} and uninstalled_at is null`);
  const { sealed: bytes, expiresAt } = rows[0] ?? {};
  if (!bytes || !expiresAt) return undefined;
  const { accessToken, refreshToken } = JSON.parse(sealer.open(bytes, sealContext(install)));
  return { accessToken, refreshToken, expiresAt };
}

export async function updateTokens(tx: Tx, install: Install, tokens: InstallTokens, sealer: Sealer): Promise<void> {
  await tx.query(sql`
    update install set tokens_sealed = ${sealed(install, tokens, sealer)}, token_expires_at = ${tokens.expiresAt}
    where workspace_id = ${install.workspaceId} and id = ${install.installId} and uninstalled_at is null`);
}

/** The account was disconnected: its tokens are forgotten, and nothing is written to it any more. */
export async function markUninstalled(tx: Tx, workspaceId: string, installId: string, at: Date): Promise<void> {
  await tx.query(sql`
    update install set uninstalled_at = ${at}, tokens_sealed = null, token_expires_at = null
    where workspace_id = ${workspaceId} and id = ${installId} and uninstalled_at is null`);
}

export interface DueInstall {
  workspaceId: string;
  installId: string;
  crm: string;
}

/** Installs that have CRM writes to do now. Asked outside any workspace, by a function that returns ids only. */
export async function selectInstallsWithWrites(worker: pg.Pool): Promise<DueInstall[]> {
  const { rows } = await worker.query<DueInstall>(sql`
    select workspace_id as "workspaceId", install_id as "installId", crm from installs_with_writes(clock_timestamp())`);
  return rows;
}

function sealed(install: Install, { accessToken, refreshToken }: InstallTokens, sealer: Sealer): Buffer {
  return sealer.seal(JSON.stringify({ accessToken, refreshToken }), sealContext(install));
}

function sealContext({ workspaceId, installId }: Install): string {
  return `${workspaceId}/install/${installId}/tokens`;
}
