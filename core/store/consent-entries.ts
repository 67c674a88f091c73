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
    on conflict (workspace_id, identity_id, purpose, source, occurred_at, state) do nothing`);
}
