import { bumpConversations, ensureConversations } from "#core/store/conversations.ts";
import { loadDeliveries, nextDeliveries, takeWriter } from "#core/store/deliveries.ts";
import { findIdentities, type IdentityKey } from "#core/store/identities.ts";
import { joinAttributes } from "#core/store/identity-attributes.ts";
import { leaseLanes, nextItems } from "#core/store/lanes.ts";
import { loadMessages, updateMessageStatus } from "#core/store/messages.ts";
import { selectConversationsOfRecord } from "#core/store/record-conversations.ts";
import { sql } from "#core/store/sql.ts";
import { selectMessagesBefore, selectMessagesSince } from "#core/store/timeline.ts";
import type { Tx } from "#core/store/transaction.ts";
import { type LongStore, nameOf, recordOf } from "./data/long-store.ts";
import { conversationCount, conversationOf } from "./data/long-store-shape.ts";
import { DELIVERIES } from "./data/pipeline-rows.ts";
import { seededRandom } from "./data/random.ts";
import type { BenchWorkspace } from "./data/workspaces.ts";

export interface HotStatement {
  /** Its name in the store, by which it is found in what `work` asks. */
  name: string;
  about: string;
  role: "app" | "worker";
  work(tx: Tx): Promise<unknown>;
}

const BATCH = 500;
const PAGE = 51;
const LANES = 128;

/** What apply, the router and the screens ask again and again, at places all over the store. */
export function hotStatements(store: LongStore, writerId: number): HotStatement[] {
  return [...ofPeople(store), ...ofMessages(store), ...ofQueues(writerId), ...ofScreens(store)];
}

function ofPeople(store: LongStore): HotStatement[] {
  const people = spreadConversations(store);
  const keys = people.map(({ conversation, workspace }): IdentityKey => {
    const { workspaceId, portfolioKey } = workspace;
    return { workspaceId, portfolioKey, kind: "bsuid", key: `IN.44${String(conversation).padStart(14, "0")}` };
  });
  const seenAt = new Date();
  const attributes = async (tx: Tx) => {
    const known = await findIdentities(tx, keys);
    const seen = known.flatMap((identity, at) => {
      const name = {
        kind: "name",
        value: nameOf(people[at]?.conversation ?? 0),
        firstSeenAt: seenAt,
        lastSeenAt: seenAt,
      } as const;
      return identity ? [{ workspaceId: identity.workspaceId, identityId: identity.id, ...name }] : [];
    });
    return joinAttributes(tx, seen);
  };
  const conversations = async (tx: Tx) => {
    const identities = await findIdentities(tx, keys);
    const pairs = identities.map((identity, at) => ({
      workspaceId: keys[at]?.workspaceId as string,
      numberId: people[at]?.workspace.numberId as string,
      identityId: identity?.id as string,
    }));
    const ids = await ensureConversations(tx, pairs);
    const changes = ids.map((id, at) => ({
      workspaceId: keys[at]?.workspaceId as string,
      id,
      lastMessageAt: seenAt,
      lastLiveInboundAt: seenAt,
    }));
    return bumpConversations(tx, changes);
  };
  const about = `${BATCH} people`;
  return [
    { name: "find-identities", about, role: "worker", work: (tx) => findIdentities(tx, keys) },
    { name: "load-attributes", about, role: "worker", work: attributes },
    { name: "find-conversations", about, role: "worker", work: conversations },
    { name: "bump-conversations", about, role: "worker", work: conversations },
  ];
}

function ofMessages({ shape, workspaces }: LongStore): HotStatement[] {
  const random = seededRandom(23);
  const wamidsOf = async (tx: Tx) => {
    const ids = Array.from({ length: BATCH }, () => 1 + Math.floor(random() * shape.messages));
    const of = ids.map((id) => workspaces[conversationOf(shape, id) % workspaces.length] as BenchWorkspace);
    const { rows } = await tx.query<{ wamid: string }>(sql`
      select m.wamid from unnest(${of.map((it) => it.workspaceId)}::uuid[], ${ids}::bigint[]) with ordinality u(workspace_id, id, at)
      join message m on m.workspace_id = u.workspace_id and m.id = u.id order by u.at`);
    return rows.map(({ wamid }, at) => ({ ...(of[at] as BenchWorkspace), wamid }));
  };
  const tick = async (tx: Tx) => {
    const messages = await loadMessages(tx, await wamidsOf(tx));
    return updateMessageStatus(
      tx,
      messages.map((message) => ({ message, version: "9" })),
    );
  };
  const about = `${BATCH} messages`;
  return [
    { name: "load-messages", about, role: "worker", work: tick },
    { name: "update-message-status", about, role: "worker", work: tick },
  ];
}

function ofQueues(writerId: number): HotStatement[] {
  const middle = BigInt(writerId) * 2n ** 32n + BigInt(DELIVERIES / 2);
  const route = async (tx: Tx) => {
    const cursor = { writerId, routedThrough: String(middle), routedAt: new Date() };
    await takeWriter(tx);
    const next = await nextDeliveries(tx, cursor, BATCH, 8 * 1024 * 1024);
    return loadDeliveries(
      tx,
      next.map(({ id, receivedAt }) => ({ deliveryId: id, receivedAt })),
    );
  };
  const lease = async (tx: Tx) => {
    const lanes = await leaseLanes(tx, { kind: "live", after: "0", lanesMax: LANES, worker: "bench", leaseMs: 15_000 });
    return nextItems(
      tx,
      "live",
      lanes.map(({ id }) => id),
      8,
    );
  };
  return [
    { name: "take-writer", about: "1 writer", role: "worker", work: route },
    { name: "next-deliveries", about: `${BATCH} deliveries`, role: "worker", work: route },
    { name: "load-deliveries", about: `${BATCH} deliveries`, role: "worker", work: route },
    { name: "lease-lanes", about: `${LANES} of 300 lanes`, role: "worker", work: lease },
    { name: "next-items", about: `8 items of ${LANES} lanes`, role: "worker", work: lease },
  ];
}

/** The first conversation is one of 50,000 messages; its workspace is the one that the app role sees. */
function ofScreens({ shape, workspaces }: LongStore): HotStatement[] {
  const { workspaceId, installId } = workspaces[0] as BenchWorkspace;
  const page = async (tx: Tx) => {
    const [conversation] = await selectConversationsOfRecord(tx, workspaceId, installId, recordOf(0));
    const id = conversation?.id as string;
    await selectMessagesBefore(tx, workspaceId, [id], undefined, PAGE);
    return selectMessagesSince(tx, workspaceId, new Map([[id, String(shape.messages - 500_000)]]), PAGE);
  };
  return [
    { name: "select-conversations-of-record", about: "1 record", role: "app", work: page },
    { name: "select-messages-before", about: "a page of 50", role: "app", work: page },
    { name: "select-messages-since", about: "a page of 50 by version", role: "app", work: page },
  ];
}

/** Distinct ones, from all over the store. */
function spreadConversations({ shape, workspaces }: LongStore): { conversation: number; workspace: BenchWorkspace }[] {
  return Array.from({ length: BATCH }, (_, at) => {
    const conversation = Math.floor((at * conversationCount(shape)) / BATCH);
    return { conversation, workspace: workspaces[conversation % workspaces.length] as BenchWorkspace };
  });
}
