import { randomUUID } from "node:crypto";
import type pg from "pg";
import { sql } from "#core/store/sql.ts";
import { numberOf } from "./people.ts";

export interface BenchWorkspace {
  workspaceId: string;
  numberId: string;
  portfolioKey: string;
  installId: string;
}

/** Workspaces with a WABA, a number and a connected CRM each, in the order of `numberOf`. No connector works for that CRM. */
export async function insertWorkspaces(owner: pg.Pool, count: number): Promise<BenchWorkspace[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  const installs = ids.map(() => randomUUID());
  const numbers = ids.map((_, at) => numberOf(at));
  const wabas = numbers.map(({ wabaId }) => wabaId);
  await owner.query(
    sql`insert into workspace (workspace_id, name) select id, 'bench' from unnest(${ids}::uuid[]) u(id)`,
  );
  await owner.query(sql`
    insert into waba (workspace_id, waba_id, portfolio_key)
    select id, waba, 'waba:' || waba from unnest(${ids}::uuid[], ${wabas}::text[]) u(id, waba)`);
  await owner.query(sql`
    insert into install (workspace_id, id, crm, crm_account_id)
    select id, install, 'bench', install from unnest(${ids}::uuid[], ${installs}::uuid[]) u(id, install)`);
  const { rows } = await owner.query<{ at: number; numberId: string }>(sql`
    insert into business_number (workspace_id, phone_number_id, waba_id, display_phone)
    select u.id, u.phone_number, u.waba, u.display from unnest(${ids}::uuid[], ${wabas}::text[],
      ${numbers.map(({ phoneNumberId }) => phoneNumberId)}::text[], ${numbers.map(({ displayPhone }) => displayPhone)}::text[])
      with ordinality u(id, waba, phone_number, display, at) order by u.at
    returning id as "numberId"`);
  return ids.map((workspaceId, at) => ({
    workspaceId,
    numberId: rows[at]?.numberId as string,
    portfolioKey: `waba:${wabas[at]}`,
    installId: installs[at] as string,
  }));
}
