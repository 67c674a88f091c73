import { createHash } from "node:crypto";
import type { AccountFact } from "#core/domain/fact.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Appends an account event once, however often Meta delivers it. */
export async function insertAccountEvent(
  tx: Tx,
  workspaceId: string,
  deliveryId: string,
  fact: AccountFact,
): Promise<void> {
  const payload = JSON.stringify(fact.payload);
  // An error beside the messages has no time of its own: within a day the same words are the same event.
  const when = fact.field === "messages" ? fact.occurredAt.toISOString().slice(0, 10) : fact.occurredAt.toISOString();
  const digest = createHash("sha256")
    .update([fact.field, fact.object, fact.objectId, when, payload].join("\0"))
    .digest("base64url");
  await tx.query(sql.named("insert-account-event")`
    insert into account_event (workspace_id, digest, object_type, object_id, field, event, payload, occurred_at, delivery_id)
    values (${workspaceId}, ${digest}, ${fact.object}, ${fact.objectId}, ${fact.field}, ${fact.event ?? null},
      ${payload}::jsonb, ${fact.occurredAt}, ${deliveryId})
    on conflict (workspace_id, digest) do nothing`);
}

/** Keeps the newest (or, where Meta repeats itself, the oldest) word about each aspect; late webhooks change nothing. */
export async function joinAccountFacts(tx: Tx, workspaceId: string, aspects: AccountFact["aspects"]): Promise<void> {
  for (const { object, objectId, aspect, value, at, keep } of aspects) {
    await tx.query(sql.named("join-account-fact")`
      insert into account_fact as f (workspace_id, object_type, object_id, aspect, value, occurred_at)
      values (${workspaceId}, ${object}, ${objectId}, ${aspect}, ${JSON.stringify(value ?? null)}::jsonb, ${at})
      on conflict (workspace_id, object_type, object_id, aspect) do update
        set value = excluded.value, occurred_at = excluded.occurred_at
        where case when ${keep === "newest"}::boolean
          then (excluded.occurred_at, excluded.value::text) > (f.occurred_at, f.value::text)
          else (excluded.occurred_at, excluded.value::text) < (f.occurred_at, f.value::text) end`);
  }
}
