import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** One install of one workspace: what every statement about CRM data names. */
export interface InstallKey {
  workspaceId: string;
  installId: string;
}

export interface RecordLink {
  personId: string;
  recordType: string;
  recordId: string;
}

/** The record of each person that has one. A link of any identity of a person counts; the oldest one wins. */
export async function selectLinksOfPersons(
  tx: Tx,
  install: InstallKey,
  personIds: readonly string[],
): Promise<RecordLink[]> {
  const { rows } = await tx.query<RecordLink>(sql`
    select distinct on (i.person_id) i.person_id as "personId", l.record_type as "recordType", l.record_id as "recordId"
    from identity i
    join record_link l on l.workspace_id = i.workspace_id and l.identity_id = i.id
    where i.workspace_id = ${install.workspaceId} and i.person_id = any (${personIds}::uuid[])
      and l.workspace_id = ${install.workspaceId} and l.install_id = ${install.installId}
    order by i.person_id, l.linked_at, l.record_id`);
  return rows;
}

export interface PhoneNeighbour extends RecordLink {
  phone: string;
  /** Within one portfolio two persons of one phone are two humans: the phone was recycled (core/domain/identity/phone-periods.ts). */
  isStranger: boolean;
}

/** Records of other persons that have or had one of these phones (canonical), last seen holder first. */
export async function selectPhoneNeighbours(
  tx: Tx,
  { workspaceId, installId }: InstallKey,
  people: readonly { personId: string; phone: string }[],
): Promise<PhoneNeighbour[]> {
  const { rows } = await tx.query<PhoneNeighbour>(sql`
    with asked as (
      select * from unnest(${people.map((it) => it.personId)}::uuid[], ${people.map((it) => it.phone)}::text[]) u (person_id, phone)
    ), named as (
      select p.phone, a.identity_id, a.last_seen_at as seen_at from (select distinct phone from asked) p
      join identity_attribute a on a.workspace_id = ${workspaceId} and a.kind = 'phone' and a.value = p.phone
      union all
      select p.phone, i.id, i.created_at from (select distinct phone from asked) p
      cross join (select distinct portfolio_key from waba where workspace_id = ${workspaceId}) w
      join identity i on i.workspace_id = ${workspaceId} and i.portfolio_key = w.portfolio_key
        and i.kind = 'phone' and i.key = p.phone
      union all
      select p.phone, i.id, c.changed_at from (select distinct phone from asked) p
      join number_change c on c.workspace_id = ${workspaceId} and c.phone = p.phone
      join identity i on i.workspace_id = c.workspace_id and i.portfolio_key = c.portfolio_key
        and i.kind = 'phone' and i.key = c.phone || '#' || c.wamid
    )
    select asked.person_id as "personId", asked.phone, l.record_type as "recordType", l.record_id as "recordId",
      bool_or(exists (select from identity own where own.workspace_id = ${workspaceId}
        and own.person_id = asked.person_id and own.portfolio_key = h.portfolio_key)) as "isStranger"
    from asked
    join named on named.phone = asked.phone
    join identity h on h.workspace_id = ${workspaceId} and h.id = named.identity_id and h.person_id <> asked.person_id
    join identity any_of on any_of.workspace_id = ${workspaceId} and any_of.person_id = h.person_id
    join record_link l on l.workspace_id = ${workspaceId} and l.install_id = ${installId} and l.identity_id = any_of.id
    group by asked.person_id, asked.phone, l.record_type, l.record_id
    order by max(named.seen_at) desc, l.record_id`);
  return rows;
}

/** The records are gone in the CRM: nobody is linked to them any more. */
export async function deleteLinksOfRecords(tx: Tx, install: InstallKey, recordIds: readonly string[]): Promise<void> {
  await tx.query(sql`
    delete from record_link
    where workspace_id = ${install.workspaceId} and install_id = ${install.installId}
      and record_type = 'contact' and record_id = any (${recordIds}::text[])`);
}

export interface NewLink {
  identityId: string;
  recordType: string;
  recordId: string;
  linkedBy: string;
}

/** Remembers records, once per identity and record type: an existing link is never overwritten. */
export async function insertLinks(tx: Tx, install: InstallKey, links: readonly NewLink[]): Promise<void> {
  await tx.query(sql`
    insert into record_link (workspace_id, install_id, identity_id, record_type, record_id, linked_by, linked_at)
    select ${install.workspaceId}, ${install.installId}, *, clock_timestamp() from unnest(
      ${links.map((link) => link.identityId)}::uuid[], ${links.map((link) => link.recordType)}::text[],
      ${links.map((link) => link.recordId)}::text[], ${links.map((link) => link.linkedBy)}::text[])
    on conflict do nothing`);
}
