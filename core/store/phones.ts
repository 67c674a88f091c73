import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** A phone number (canonical) among the identities of one portfolio. */
export interface PhoneKey {
  workspaceId: string;
  portfolioKey: string;
  phone: string;
}

export interface PhoneHolder extends PhoneKey {
  identityId: string;
  bsuid: string;
  firstSeenAt: Date;
}

/** Which BSUIDs Meta ever showed together with these phones, and since when. */
export async function loadHolders(tx: Tx, phones: readonly PhoneKey[]): Promise<PhoneHolder[]> {
  const { rows } = await tx.query(sql.named("load-phone-holders")`
    select u.workspace_id as "workspaceId", u.portfolio_key as "portfolioKey", u.phone, i.id as "identityId",
      i.key as bsuid, a.first_seen_at as "firstSeenAt"
    from unnest(${phones.map((it) => it.workspaceId)}::uuid[], ${phones.map((it) => it.portfolioKey)}::text[],
      ${phones.map((it) => it.phone)}::text[]) u(workspace_id, portfolio_key, phone)
    cross join lateral (select x.identity_id, x.first_seen_at from identity_attribute x
      where x.workspace_id = u.workspace_id and x.kind = 'phone' and x.value = u.phone offset 0) a
    cross join lateral (select y.id, y.key from identity y
      where y.workspace_id = u.workspace_id and y.id = a.identity_id
        and y.kind = 'bsuid' and y.portfolio_key = u.portfolio_key offset 0) i`); // "offset 0" keeps this order of joins
  return rows;
}

/** "Whoever Meta named so moved to this phone": which human that was is derived, for it may be learnt later. */
export interface NumberChange extends PhoneKey {
  wamid: string;
  fromBsuid: string | undefined;
  /** Canonical. */
  fromPhone: string | undefined;
  changedAt: Date;
}

/** What Meta said of people who moved to these phones, or away from them. */
export async function loadNumberChanges(tx: Tx, phones: readonly PhoneKey[]): Promise<NumberChange[]> {
  const { rows } = await tx.query(sql.named("load-number-changes")`
    select distinct on (c.workspace_id, c.wamid) c.workspace_id as "workspaceId", c.portfolio_key as "portfolioKey", c.phone,
      c.wamid, c.from_bsuid as "fromBsuid", c.from_phone as "fromPhone", c.changed_at as "changedAt"
    from unnest(${phones.map((it) => it.workspaceId)}::uuid[], ${phones.map((it) => it.portfolioKey)}::text[],
      ${phones.map((it) => it.phone)}::text[]) u(workspace_id, portfolio_key, phone)
    cross join lateral (
      select * from number_change x where x.workspace_id = u.workspace_id and x.portfolio_key = u.portfolio_key and x.phone = u.phone
      union all
      select * from number_change y
      where y.workspace_id = u.workspace_id and y.portfolio_key = u.portfolio_key and y.from_phone = u.phone) c
    order by c.workspace_id, c.wamid`);
  return rows.map((row) => ({ ...row, fromBsuid: row.fromBsuid ?? undefined, fromPhone: row.fromPhone ?? undefined }));
}

export async function insertNumberChange(tx: Tx, change: NumberChange): Promise<void> {
  const { workspaceId, portfolioKey, wamid, phone, fromBsuid, fromPhone, changedAt } = change;
  await tx.query(sql`
    insert into number_change (workspace_id, portfolio_key, wamid, phone, from_bsuid, from_phone, changed_at)
    values (${workspaceId}, ${portfolioKey}, ${wamid}, ${phone}, ${fromBsuid ?? null}, ${fromPhone ?? null}, ${changedAt})
    on conflict (workspace_id, wamid) do nothing`);
}

/** Messages that name somebody by phone only and lie in another period than their identity says. */
export async function messagesOfIdentities(
  tx: Tx,
  workspaceId: string,
  identityIds: readonly string[],
): Promise<{ id: string; numberId: string; identityId: string; conversationId: string; sentAt: Date }[]> {
  const { rows } = await tx.query(sql`
    select m.id, m.number_id as "numberId", m.identity_id as "identityId", m.conversation_id as "conversationId",
      m.sent_at as "sentAt"
    from conversation c
    join message m on m.workspace_id = c.workspace_id and m.conversation_id = c.id
    where c.workspace_id = ${workspaceId} and c.identity_id = any (${identityIds}::uuid[])
    order by m.id`);
  return rows;
}
