import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { insertAuditEntry } from "#core/store/audit.ts";
import { bumpConversations, conversationsOfPersons } from "#core/store/conversations.ts";
import { countIdentities } from "#core/store/identities.ts";
import { lockWorkspaces } from "#core/store/numbers.ts";
import { closeEdge, insertEdges, openEdges, projectPersons } from "#core/store/person-edges.ts";
import { asWorkspace, type Tx } from "#core/store/transaction.ts";

export interface Joining {
  workspaceId: string;
  identities: readonly [string, string];
  /** The agent who says that the two are one human, and why: kept for ever, shown beside the person. */
  agentId: string;
  reason: string;
}

/**
 * Joins two identities into one person by an agent's word. Nothing is moved: messages and consent stay with their
 * identities, the person is only the map over them, and `partPeople` restores what was before (architecture 4).
 * Joining twice is joining once. Throws `people.unknown` when an identity is not the workspace's.
 */
export async function joinPeople(app: pg.Pool, clock: Clock, joining: Joining): Promise<void> {
  const { workspaceId, identities, agentId, reason } = joining;
  if (identities[0] === identities[1]) throw new Failure("invalid", "people.same", "These are one identity already.");
  await asWorkspace(app, workspaceId, async (tx) => {
    await lockWorkspaces(tx, [workspaceId]);
    const madeAt = clock.now();
    const edge = {
      workspaceId,
      between: identities,
      reason: "joined-by-agent" as const,
      evidence: reason,
      madeBy: agentId,
      madeAt,
    };
    await assertKnown(tx, workspaceId, identities);
    await insertEdges(tx, [edge]);
    await projectPersons(tx, [workspaceId, workspaceId], identities);
    await refreshPanels(tx, workspaceId, identities);
    await audit(tx, "people.joined", joining, madeAt);
  });
}

/** Takes a joining back, Meta's as well as an agent's: the edge is closed with its reason, never deleted. */
export async function partPeople(app: pg.Pool, clock: Clock, parting: Joining): Promise<void> {
  const { workspaceId, identities, agentId, reason } = parting;
  await asWorkspace(app, workspaceId, async (tx) => {
    await lockWorkspaces(tx, [workspaceId]);
    const edges = await openEdges(tx, workspaceId, identities);
    if (edges.length === 0)
      throw new Failure("missing", "people.not_joined", "These two are not joined directly: part the pair that is.");
    const at = clock.now();
    for (const { id } of edges) await closeEdge(tx, { workspaceId, id, by: agentId, reason, at });
    await projectPersons(tx, [workspaceId, workspaceId], identities);
    await refreshPanels(tx, workspaceId, identities);
    await audit(tx, "people.parted", parting, at);
  });
}

function audit(tx: Tx, action: string, { workspaceId, agentId, identities }: Joining, at: Date): Promise<void> {
  return insertAuditEntry(tx, workspaceId, { actor: agentId, action, subject: identities.join(" "), at });
}

async function assertKnown(tx: Tx, workspaceId: string, ids: readonly string[]): Promise<void> {
  if ((await countIdentities(tx, workspaceId, ids)) !== ids.length)
    throw new Failure("missing", "people.unknown", "One of these people is not known here.");
}

/** Everybody who looks at one of them sees the other's messages come or go. */
async function refreshPanels(tx: Tx, workspaceId: string, identities: readonly string[]): Promise<void> {
  const ids = await conversationsOfPersons(tx, workspaceId, identities);
  await bumpConversations(
    tx,
    ids.map((id) => ({ workspaceId, id, lastMessageAt: undefined, lastLiveInboundAt: undefined })),
  );
}
