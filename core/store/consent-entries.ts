import { v7 as newId } from "uuid";
import type { PreferenceFact } from "#core/domain/fact.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Appends a permission given or taken; the same word of the same source at the same moment is one entry. */
export async function insertConsentEntry(
  tx: Tx,
  workspaceId: string,
  identityId: string,
  fact: PreferenceFact,
): Promise<void> {
  await tx.query(sql.named("insert-consent-entry")`
    insert into consent_entry (workspace_id, id, identity_id, purpose, state, source, occurred_at, evidence)
    values (${workspaceId}, ${newId()}, ${identityId}, ${fact.purpose}, ${fact.state}, ${fact.source}, ${fact.at},
      ${JSON.stringify(fact.evidence)}::jsonb)
    on conflict do nothing`);
}

export interface StoredConsent {
  id: string;
  identityId: string;
  occurredAt: Date;
}

/** Entries of these identities that nothing has corrected. */
export async function consentOfIdentities(
  tx: Tx,
  workspaceId: string,
  identityIds: readonly string[],
): Promise<StoredConsent[]> {
  const { rows } = await tx.query(sql`
    select e.id, e.identity_id as "identityId", e.occurred_at as "occurredAt" from consent_entry e
    where e.workspace_id = ${workspaceId} and e.identity_id = any (${identityIds}::uuid[])
      and not exists (select from consent_entry c where c.workspace_id = e.workspace_id and c.supersedes = e.id)
    order by e.id`);
  return rows;
}

/**
 * Corrects whose word an entry was, by appending: the new entry says the same of the right identity and supersedes the
 * old one. The ledger is never rewritten, and consent never stays with the wrong human (I16).
 */
export async function reassignConsent(tx: Tx, workspaceId: string, entryId: string, identityId: string): Promise<void> {
  await tx.query(sql`
    insert into consent_entry (workspace_id, id, identity_id, purpose, state, source, occurred_at, evidence, supersedes)
    select workspace_id, ${newId()}, ${identityId}, purpose, state, source, occurred_at, evidence, id from consent_entry
    where workspace_id = ${workspaceId} and id = ${entryId}
    on conflict do nothing`);
}
