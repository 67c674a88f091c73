import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export type AttributeKind = "phone" | "wa-id" | "username" | "name" | "address-book-name" | "parent-bsuid";

/** "This identity was called so, from then until then", by Meta's clock. */
export interface Attribute {
  workspaceId: string;
  identityId: string;
  kind: AttributeKind;
  value: string;
  firstSeenAt: Date;
  /** Cut to the day (UTC): a chatty person costs one update a day. */
  lastSeenAt: Date;
}

/** Joins what is seen into what is known (earliest first, latest last) and returns those that were not known so. */
export async function joinAttributes(tx: Tx, seen: readonly Attribute[]): Promise<Attribute[]> {
  if (seen.length === 0) return [];
  const known = await loadAttributes(tx, seen);
  const news = seen.filter((it) => {
    const known_ = known.get(keyOf(it));
    return !known_ || it.firstSeenAt < known_.firstSeenAt || it.lastSeenAt > known_.lastSeenAt;
  });
  if (news.length > 0)
    await upsertAttributes(
      tx,
      news.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    );
  return news;
}

async function loadAttributes(tx: Tx, seen: readonly Attribute[]): Promise<Map<string, Attribute>> {
  const { rows } = await tx.query(sql.named("load-attributes")`
    select a.workspace_id as "workspaceId", a.identity_id as "identityId", a.kind, a.value,
      a.first_seen_at as "firstSeenAt", a.last_seen_at as "lastSeenAt"
    from unnest(${seen.map((it) => it.workspaceId)}::uuid[], ${seen.map((it) => it.identityId)}::uuid[],
      ${seen.map((it) => it.kind)}::text[], ${seen.map((it) => it.value)}::text[]) u(workspace_id, identity_id, kind, value)
    join identity_attribute a on a.workspace_id = u.workspace_id and a.identity_id = u.identity_id
      and a.kind = u.kind and a.value = u.value`);
  return new Map(rows.map((row: Attribute) => [keyOf(row), row]));
}

async function upsertAttributes(tx: Tx, rows: readonly Attribute[]): Promise<void> {
  await tx.query(sql.named("upsert-attributes")`
    insert into identity_attribute (workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
    select * from unnest(${rows.map((it) => it.workspaceId)}::uuid[], ${rows.map((it) => it.identityId)}::uuid[],
      ${rows.map((it) => it.kind)}::text[], ${rows.map((it) => it.value)}::text[],
      ${rows.map((it) => it.firstSeenAt)}::timestamptz[], ${rows.map((it) => it.lastSeenAt)}::timestamptz[])
    on conflict (workspace_id, identity_id, kind, value) do update
      set first_seen_at = least(identity_attribute.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(identity_attribute.last_seen_at, excluded.last_seen_at)`);
}

function keyOf({ workspaceId, identityId, kind, value }: Attribute): string {
  return `${workspaceId}${identityId}${kind} ${value}`;
}
