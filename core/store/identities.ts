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

/** Finds or makes identities, aligned with `keys`. The caller holds the lock of the workspaces. */
export async function ensureIdentities(tx: Tx, keys: readonly IdentityKey[]): Promise<Identity[]> {
  if (keys.length === 0) return [];
  const found = await findIdentities(tx, keys);
  const missing = new Map(keys.filter((_, at) => found[at] === undefined).map((key) => [textOf(key), key]));
  if (missing.size === 0) return found as Identity[];
  const made = await insertIdentities(tx, [...missing.values()]);
  return keys.map((key, at) => found[at] ?? (made.get(textOf(key)) as Identity));
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

async function insertIdentities(tx: Tx, keys: readonly IdentityKey[]): Promise<Map<string, Identity>> {
  const ids = keys.map(() => newId());
  await tx.query(sql.named("insert-identities")`
    insert into identity (workspace_id, portfolio_key, kind, key, id, person_id)
    select u.workspace_id, u.portfolio_key, u.kind, u.key, u.id, u.id
    from unnest(${keys.map((it) => it.workspaceId)}::uuid[], ${keys.map((it) => it.portfolioKey)}::text[],
      ${keys.map((it) => it.kind)}::text[], ${keys.map((it) => it.key)}::text[], ${ids}::uuid[])
      u(workspace_id, portfolio_key, kind, key, id)`);
  return new Map(keys.map((key, at) => [textOf(key), { ...key, id: ids[at] as string, personId: ids[at] as string }]));
}

function textOf({ workspaceId, portfolioKey, kind, key }: IdentityKey): string {
  return `${workspaceId} ${portfolioKey} ${kind} ${key}`;
}

/** Every identity a phone ever got: of its first period and of later ones, also of periods that were not so after all. */
export async function identitiesOfPhones(
  tx: Tx,
  phones: readonly { workspaceId: string; portfolioKey: string; phone: string }[],
): Promise<(Identity & { phone: string })[]> {
  const { rows } = await tx.query(sql.named("identities-of-phones")`
    select u.workspace_id as "workspaceId", u.portfolio_key as "portfolioKey", 'phone' as kind, u.phone, i.key, i.id,
      i.person_id as "personId"
    from unnest(${phones.map((it) => it.workspaceId)}::uuid[], ${phones.map((it) => it.portfolioKey)}::text[],
      ${phones.map((it) => it.phone)}::text[]) u(workspace_id, portfolio_key, phone)
    cross join lateral (select * from identity x
      where x.workspace_id = u.workspace_id and x.portfolio_key = u.portfolio_key and x.kind = 'phone'
        and x.key >= u.phone and x.key < u.phone || '$' offset 0) i -- "#", which begins a later period, sorts before "$"
    where i.key = u.phone or left(i.key, length(u.phone) + 1) = u.phone || '#'`);
  return rows;
}

/** How many of these identities the workspace has. */
export async function countIdentities(tx: Tx, workspaceId: string, ids: readonly string[]): Promise<number> {
  const { rows } = await tx.query(sql`
    select count(*)::int as known from identity where workspace_id = ${workspaceId} and id = any (${ids}::uuid[])`);
  return rows[0].known;
}
