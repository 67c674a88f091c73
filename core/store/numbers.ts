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
 * Locks business numbers in one order, so that the messages of a number have one writer at a time and two batches
 * never wait in a circle. Every writer of `message` calls this first.
 */
export async function lockNumbers(
  tx: Tx,
  keys: readonly { workspaceId: string; numberId: string }[],
): Promise<LockedNumber[]> {
  const { rows } = await tx.query(sql.named("lock-numbers")`
    select n.workspace_id as "workspaceId", n.id as "numberId", w.portfolio_key as "portfolioKey",
      exists (select from install i where i.workspace_id = n.workspace_id and i.uninstalled_at is null) as "hasInstall"
    from (select distinct * from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.numberId)}::bigint[])
      d(workspace_id, id)) u
    join business_number n on n.workspace_id = u.workspace_id and n.id = u.id
    join waba w on w.workspace_id = n.workspace_id and w.waba_id = n.waba_id
    order by n.workspace_id, n.id
    for no key update of n`);
  return rows;
}

/** Which of our numbers is printed so; for webhooks that know a number only by its digits. */
export async function phoneNumberIdsByDisplay(
  tx: Tx,
  phones: readonly { workspaceId: string; displayPhone: string }[],
): Promise<Map<string, string>> {
  const { rows } = await tx.query(sql`
    select n.workspace_id || ' ' || n.display_phone as key, n.phone_number_id as id
    from unnest(${phones.map((it) => it.workspaceId)}::uuid[], ${phones.map((it) => it.displayPhone)}::text[]) u(workspace_id, phone)
    join business_number n on n.workspace_id = u.workspace_id and n.display_phone = u.phone`);
  return new Map(rows.map((row) => [row.key, row.id]));
}
