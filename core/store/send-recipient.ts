import { canonicalPhone } from "#core/domain/identity/phone.ts";
import { type Nullable, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** How a person is reached now. The phone is the better one: it keeps phones flowing in Meta's webhooks. */
export interface Recipient {
  phone?: string;
  bsuid?: string;
}

/** Asked when a reply is queued, and again in the transaction that claims it: phones change hands in between (I16). */
export async function selectRecipient(tx: Tx, workspaceId: string, identityId: string): Promise<Recipient> {
  const { rows } = await tx.query<Nullable<Recipient>>(sql`
    select case when i.kind = 'bsuid' then i.key end as bsuid,
      coalesce(
        (select a.value from identity_attribute a
         where a.workspace_id = i.workspace_id and a.identity_id = i.id and a.kind in ('wa-id', 'phone')
         order by a.kind = 'wa-id' desc, a.last_seen_at desc limit 1),
        case when i.kind = 'phone' then split_part(i.key, '#', 1) end) as phone
    from identity i where i.workspace_id = ${workspaceId} and i.id = ${identityId}`);
  const { phone, ...others } = withoutNulls<Recipient>(rows[0] ?? { phone: null, bsuid: null });
  if (phone === undefined) return others;
  return (await isTheirs(tx, workspaceId, identityId, canonicalPhone(phone))) ? { ...others, phone } : others;
}

/**
 * A phone belongs to whom Meta named with it last: by showing it with a BSUID for the first time, or by saying that
 * somebody moved to it (core/domain/identity/phone-periods.ts). When that is another person it was recycled, and a
 * message would reach a stranger.
 */
async function isTheirs(tx: Tx, workspaceId: string, identityId: string, phone: string): Promise<boolean> {
  const { rows } = await tx.query<{ isTheirs: boolean | null }>(sql`
    with own as (
      select person_id, portfolio_key from identity where workspace_id = ${workspaceId} and id = ${identityId}
    ), holder as (
      select i.person_id, i.portfolio_key, a.first_seen_at as since
      from identity_attribute a join identity i on i.workspace_id = a.workspace_id and i.id = a.identity_id
      where a.workspace_id = ${workspaceId} and a.kind = 'phone' and a.value = ${phone} and i.kind = 'bsuid'
      union all
      select i.person_id, c.portfolio_key, c.changed_at
      from number_change c left join identity i on i.workspace_id = c.workspace_id and i.portfolio_key = c.portfolio_key
        and i.kind = 'phone' and i.key = c.phone || '#' || c.wamid -- the period that this change opened
      where c.workspace_id = ${workspaceId} and c.phone = ${phone}
    )
    select holder.person_id = own.person_id as "isTheirs"
    from own join holder on holder.portfolio_key = own.portfolio_key
    order by holder.since desc, holder.person_id = own.person_id desc limit 1`);
  return rows[0] === undefined || rows[0].isTheirs === true;
}
