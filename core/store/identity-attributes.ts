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

/**
 * Joins what is seen into what is known (earliest first, latest last) and returns those that were not known so. The
 * caller holds the lock of the workspaces.
 */
export async function joinAttributes(tx: Tx, seen: readonly Attribute[]): Promise<Attribute[]> {
  if (seen.length === 0) return [];
  const known = await loadAttributes(tx, seen);
  const isKnown = (it: Attribute) => known.has(keyOf(it));
  const isNews = (it: Attribute) => {
    const known_ = known.get(keyOf(it));
    return !known_ || it.firstSeenAt < known_.firstSeenAt || it.lastSeenAt > known_.lastSeenAt;
  };
  const news = seen.filter(isNews);
  await insertAttributes(
    tx,
    news.filter((it) => !isKnown(it)),
  );
  await widenAttributes(tx, news.filter(isKnown));
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

async function insertAttributes(tx: Tx, rows: readonly Attribute[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(sql.named("insert-attributes")`
    insert into identity_attribute (workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
    select * from unnest(${rows.map((it) => it.workspaceId)}::uuid[], ${rows.map((it) => it.identityId)}::uuid[],
      ${rows.map((it) => it.kind)}::text[], ${rows.map((it) => it.value)}::text[],
      ${rows.map((it) => it.firstSeenAt)}::timestamptz[], ${rows.map((it) => it.lastSeenAt)}::timestamptz[])`);
}

async function widenAttributes(tx: Tx, rows: readonly Attribute[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(sql.named("widen-attributes")`
    update identity_attribute a set first_seen_at = least(a.first_seen_at, u.first_seen_at),
      last_seen_at = greatest(a.last_seen_at, u.last_seen_at)
    from unnest(${rows.map((it) => it.workspaceId)}::uuid[], ${rows.map((it) => it.identityId)}::uuid[],
      ${rows.map((it) => it.kind)}::text[], ${rows.map((it) => it.value)}::text[],
      ${rows.map((it) => it.firstSeenAt)}::timestamptz[], ${rows.map((it) => it.lastSeenAt)}::timestamptz[])
      u(workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
    where a.workspace_id = u.workspace_id and a.identity_id = u.identity_id and a.kind = u.kind and a.value = u.value`);
}

function keyOf({ workspaceId, identityId, kind, value }: Attribute): string {
  return `${workspaceId}${identityId}${kind} ${value}`;
}
