import type pg from "pg";
import { selectInstallOfAccount } from "#core/store/install-of-account.ts";

/** The install behind a CRM account, over all workspaces; undefined when it is not connected. */
export function findInstall(
  app: pg.Pool,
  crm: string,
  crmAccountId: string,
): Promise<{ workspaceId: string; installId: string } | undefined> {
  return selectInstallOfAccount(app, crm, crmAccountId);
}
