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

/**
 * Records of other persons that were linked under the same phone number (the number changed hands, or two identities are
 * not joined yet). The CRM's search by phone would answer the same, but only after it has caught up.
 */
export async function selectLinksOfPhones(
  tx: Tx,
  install: InstallKey,
  phones: readonly string[],
): Promise<(Omit<RecordLink, "personId"> & { phone: string })[]> {
  const { rows } = await tx.query(sql`
    with holder as (
      select p.phone, a.identity_id from unnest(${phones}::text[]) as p (phone)
      join identity_attribute a on a.workspace_id = ${install.workspaceId} and a.kind = 'phone' and a.value = p.phone
      union
      select p.phone, i.id from unnest(${phones}::text[]) as p (phone)
      cross join (select distinct portfolio_key from waba where workspace_id = ${install.workspaceId}) w
      join identity i on i.workspace_id = ${install.workspaceId} and i.portfolio_key = w.portfolio_key
        and i.kind = 'phone' and i.key = p.phone)
    select distinct on (h.phone) h.phone, l.record_type as "recordType", l.record_id as "recordId"
    from holder h
    join record_link l on l.workspace_id = ${install.workspaceId} and l.install_id = ${install.installId}
      and l.identity_id = h.identity_id
    order by h.phone, l.linked_at, l.record_id`);
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
