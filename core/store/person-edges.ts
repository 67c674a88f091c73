import { v7 as newId } from "uuid";
import { persons } from "#core/domain/identity/person.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export type EdgeReason = "shown-together" | "user-id-update" | "changed-user-id" | "changed-number" | "joined-by-agent";

export interface NewEdge {
  workspaceId: string;
  /** In any order. */
  between: readonly [string, string];
  reason: EdgeReason;
  /** What said so: a wamid, a phone, an agent's words. */
  evidence: string;
  madeBy: string;
  madeAt: Date;
}

export interface StoredEdge {
  id: string;
  workspaceId: string;
  a: string;
  b: string;
  reason: EdgeReason;
  evidence: string;
  madeBy: string;
  closedBy: string | null;
  isOpen: boolean;
}

/** Every edge, open and closed, that touches these identities. */
export async function edgesOf(
  tx: Tx,
  workspaceIds: readonly string[],
  identityIds: readonly string[],
): Promise<StoredEdge[]> {
  const { rows } = await tx.query(sql.named("edges-of-identities")`
    select distinct on (e.workspace_id, e.id) e.id, e.workspace_id as "workspaceId", e.identity_a as a, e.identity_b as b,
      e.reason, e.evidence, e.made_by as "madeBy", e.closed_by as "closedBy", e.closed_at is null as "isOpen"
    from unnest(${workspaceIds}::uuid[], ${identityIds}::uuid[]) u(workspace_id, id)
    cross join lateral (
      select * from person_edge x where x.workspace_id = u.workspace_id and x.identity_a = u.id
      union all
      select * from person_edge y where y.workspace_id = u.workspace_id and y.identity_b = u.id) e
    order by e.workspace_id, e.id`);
  return rows;
}

/** Adds edges that are not open yet; adding one twice is adding it once. */
export async function insertEdges(tx: Tx, edges: readonly NewEdge[]): Promise<void> {
  if (edges.length === 0) return;
  const sides = edges.map(({ between }) => between.toSorted() as [string, string]);
  await tx.query(sql.named("insert-edges")`
    insert into person_edge (workspace_id, id, identity_a, identity_b, reason, evidence, made_by, made_at)
    select * from unnest(${edges.map((it) => it.workspaceId)}::uuid[], ${edges.map(() => newId())}::uuid[],
      ${sides.map(([a]) => a)}::uuid[], ${sides.map(([, b]) => b)}::uuid[], ${edges.map((it) => it.reason)}::text[],
      ${edges.map((it) => it.evidence)}::text[], ${edges.map((it) => it.madeBy)}::text[], ${edges.map((it) => it.madeAt)}::timestamptz[])
    on conflict do nothing`);
}

export async function closeEdge(
  tx: Tx,
  edge: { workspaceId: string; id: string; by: string; reason: string; at: Date },
): Promise<boolean> {
  const { rowCount } = await tx.query(sql`
    update person_edge set closed_at = ${edge.at}, closed_by = ${edge.by}, close_reason = ${edge.reason}
    where workspace_id = ${edge.workspaceId} and id = ${edge.id} and closed_at is null`);
  return rowCount === 1;
}

/**
 * Projects the open edges around these identities onto `identity.person_id`, for all of their persons. The caller
 * holds the lock of the workspaces.
 */
export async function projectPersons(
  tx: Tx,
  workspaceIds: readonly string[],
  identityIds: readonly string[],
): Promise<void> {
  if (identityIds.length === 0) return;
  const reached = await reachIdentities(tx, workspaceIds, identityIds);
  const named = persons(
    reached.map((row) => row.id),
    reached.flatMap((row) => row.others.map((other) => ({ a: row.id, b: other }))),
  );
  const changed = reached.filter((row) => named.get(row.id) !== row.personId);
  if (changed.length === 0) return;
  await tx.query(sql.named("project-persons")`
    update identity set person_id = u.person_id
    from unnest(${changed.map((row) => row.workspaceId)}::uuid[], ${changed.map((row) => row.id)}::uuid[],
      ${changed.map((row) => named.get(row.id))}::uuid[]) u(workspace_id, id, person_id)
    where identity.workspace_id = u.workspace_id and identity.id = u.id`);
}

interface Reached {
  workspaceId: string;
  id: string;
  personId: string;
  others: string[];
}

async function reachIdentities(
  tx: Tx,
  workspaceIds: readonly string[],
  identityIds: readonly string[],
): Promise<Reached[]> {
  const { rows } = await tx.query(sql.named("reach-identities")`
    with recursive reached (workspace_id, id) as (
      select * from unnest(${workspaceIds}::uuid[], ${identityIds}::uuid[]) u
      union
      select r.workspace_id, e.other from reached r cross join lateral (
        select x.identity_b as other from person_edge x
          where x.workspace_id = r.workspace_id and x.identity_a = r.id and x.closed_at is null
        union all
        select y.identity_a from person_edge y
          where y.workspace_id = r.workspace_id and y.identity_b = r.id and y.closed_at is null) e)
    select r.workspace_id as "workspaceId", r.id, i.person_id as "personId",
      array(select x.identity_b from person_edge x where x.workspace_id = r.workspace_id and x.identity_a = r.id
        and x.closed_at is null) as others
    from reached r join identity i on i.workspace_id = r.workspace_id and i.id = r.id
    order by r.workspace_id, r.id`);
  return rows;
}

/** The open edges between exactly these two: Meta's word and an agent's may stand side by side. */
export async function openEdges(
  tx: Tx,
  workspaceId: string,
  between: readonly [string, string],
): Promise<{ id: string }[]> {
  const [a, b] = between.toSorted();
  const { rows } = await tx.query(sql`
    select id from person_edge
    where workspace_id = ${workspaceId} and identity_a = ${a} and identity_b = ${b} and closed_at is null`);
  return rows;
}
