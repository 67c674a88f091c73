import { v7 as newId } from "uuid";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export type IdentityKind = "bsuid" | "phone" | "group" | "unnamed";

/** The natural key of an identity; `key` for a phone is the key of its period (core/domain/identity/phone-periods.ts). */
export interface IdentityKey {
  workspaceId: string;
  portfolioKey: string;
  kind: IdentityKind;
  key: string;
}

export interface Identity extends IdentityKey {
  id: string;
  personId: string;
}

/** Finds or makes identities, aligned with `keys`. Safe beside another transaction that makes the same. */
export async function ensureIdentities(tx: Tx, keys: readonly IdentityKey[]): Promise<Identity[]> {
  if (keys.length === 0) return [];
  const found = await findIdentities(tx, keys);
  // In key order, so that two transactions that make the same identities wait for each other and never in a circle.
  const missing = keys.filter((_, at) => found[at] === undefined).toSorted(byKey);
  if (missing.length > 0) {
    await insertIdentities(tx, missing);
    const made = await findIdentities(tx, keys);
    return made as Identity[];
  }
  return found as Identity[];
}

export async function findIdentities(tx: Tx, keys: readonly IdentityKey[]): Promise<(Identity | undefined)[]> {
  const found: (Identity | undefined)[] = keys.map(() => undefined);
  const { rows } = await tx.query(sql.named("find-identities")`
    select u.at::int - 1 as at, i.id, i.person_id
    from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.portfolioKey)}::text[],
      ${keys.map((it) => it.kind)}::text[], ${keys.map((it) => it.key)}::text[])
      with ordinality u(workspace_id, portfolio_key, kind, key, at)
    join identity i on i.workspace_id = u.workspace_id and i.portfolio_key = u.portfolio_key
      and i.kind = u.kind and i.key = u.key`);
  for (const { at, id, person_id } of rows) found[at] = { ...(keys[at] as IdentityKey), id, personId: person_id };
  return found;
}

async function insertIdentities(tx: Tx, keys: readonly IdentityKey[]): Promise<void> {
  const ids = keys.map(() => newId());
  await tx.query(sql.named("insert-identities")`
    insert into identity (workspace_id, portfolio_key, kind, key, id, person_id)
    select u.workspace_id, u.portfolio_key, u.kind, u.key, u.id, u.id
    from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.portfolioKey)}::text[],
      ${keys.map((it) => it.kind)}::text[], ${keys.map((it) => it.key)}::text[], ${ids}::uuid[])
      u(workspace_id, portfolio_key, kind, key, id)
    on conflict (workspace_id, portfolio_key, kind, key) do nothing`);
}

function byKey(a: IdentityKey, b: IdentityKey): number {
  const left = `${a.workspaceId}${a.portfolioKey}${a.kind}${a.key}`;
  const right = `${b.workspaceId}${b.portfolioKey}${b.kind}${b.key}`;
  return left < right ? -1 : 1;
}

/** Locks identities until the end of the transaction: whoever decides about them next sees what was decided now. */
export async function lockIdentities(
  tx: Tx,
  identities: readonly { workspaceId: string; id: string }[],
): Promise<void> {
  if (identities.length === 0) return;
  await tx.query(sql.named("lock-identities")`
    select from identity i
    join unnest(${identities.map((it) => it.workspaceId)}::uuid[], ${identities.map((it) => it.id)}::uuid[]) u(workspace_id, id)
      on i.workspace_id = u.workspace_id and i.id = u.id
    order by i.workspace_id, i.id for no key update of i`);
}

/** How many of these identities the workspace has. */
export async function countIdentities(tx: Tx, workspaceId: string, ids: readonly string[]): Promise<number> {
  const { rows } = await tx.query(sql`
    select count(*)::int as known from identity where workspace_id = ${workspaceId} and id = any (${ids}::uuid[])`);
  return rows[0].known;
}
