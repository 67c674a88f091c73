import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** What apply must know of a business number before it writes. */
export interface LockedNumber {
  workspaceId: string;
  numberId: string;
  portfolioKey: string;
  hasInstall: boolean;
}

/**
 * Locks the workspaces of these numbers, in one order, and says what apply must know of the numbers. Whoever writes
 * messages, people or merges of a workspace calls this first: inside a workspace there is one writer at a time, so what
 * it has read stays true until its own writes, and two batches never wait in a circle. Workspaces do not wait for each
 * other. (One workspace is then one stream; it was measured at several thousand changes a second.)
 */
export async function lockWorkspacesOf(
  tx: Tx,
  keys: readonly { workspaceId: string; numberId: string }[],
): Promise<LockedNumber[]> {
  await lockWorkspaces(tx, [...new Set(keys.map((it) => it.workspaceId))]);
  const { rows } = await tx.query(sql.named("load-numbers")`
    select n.workspace_id as "workspaceId", n.id as "numberId", w.portfolio_key as "portfolioKey",
      exists (select from install i where i.workspace_id = n.workspace_id and i.uninstalled_at is null) as "hasInstall"
    from (select distinct * from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.numberId)}::bigint[])
      d(workspace_id, id)) u
    join business_number n on n.workspace_id = u.workspace_id and n.id = u.id
    join waba w on w.workspace_id = n.workspace_id and w.waba_id = n.waba_id`);
  return rows;
}

/** The lock itself, for writers that know no number (an agent joins two people). */
export async function lockWorkspaces(tx: Tx, workspaceIds: readonly string[]): Promise<void> {
  // Not "for update": rows that refer to the workspace may still be inserted beside us.
  await tx.query(sql.named("lock-workspaces")`
    select from workspace where workspace_id = any (${workspaceIds}::uuid[]) order by workspace_id for no key update`);
}

/** Which of our connected numbers is printed so, where only one is; for webhooks that know a number only by its digits. */
export async function phoneNumberIdsByDisplay(
  tx: Tx,
  phones: readonly { workspaceId: string; displayPhone: string }[],
): Promise<Map<string, string>> {
  const { rows } = await tx.query(sql`
    select n.workspace_id || ' ' || n.display_phone as key, n.phone_number_id as id
    from unnest(${phones.map((it) => it.workspaceId)}::uuid[], ${phones.map((it) => it.displayPhone)}::text[]) u(workspace_id, phone)
    join business_number n on n.workspace_id = u.workspace_id and n.display_phone = u.phone and n.disconnected_at is null
    where (select count(*) from business_number o where o.workspace_id = u.workspace_id and o.display_phone = u.phone
      and o.disconnected_at is null) = 1`);
  return new Map(rows.map((row) => [row.key, row.id]));
}
