import type pg from "pg";
import { sql } from "./sql.ts";

/** Which workspace a CRM account belongs to: asked before any workspace is known, by a function that returns ids only. */
export async function selectInstallOfAccount(
  app: pg.Pool,
  crm: string,
  crmAccountId: string,
): Promise<{ workspaceId: string; installId: string } | undefined> {
  const { rows } = await app.query<{ workspaceId: string; installId: string }>(sql`
    select workspace_id as "workspaceId", install_id as "installId" from install_of_account(${crm}, ${crmAccountId})`);
  return rows[0];
}
