import { randomUUID } from "node:crypto";
import { afterEach } from "vitest";
import { type Clock, systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { acquireLeases } from "#core/store/leases.ts";
import { lockWorkspacesOf } from "#core/store/numbers.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { applyFacts } from "#core/usecases/deliveries/apply/apply-facts.ts";
import { claimSend } from "#core/usecases/messages/claim-send.ts";
import { type Sender, startSender } from "#core/usecases/messages/deliver-sends.ts";
import { queueReply } from "#core/usecases/messages/queue-reply.ts";
import type { Behaviour } from "#test/sandbox/meta/behaviour.ts";
import { startMetaSimulator } from "#test/sandbox/meta/simulator.ts";
import type { SentCall } from "#test/sandbox/meta/world.ts";
import type { TestDatabase } from "./database.ts";
import { type SeededConversation, type SeededWorkspace, seedConversation, seedWorkspace, testSealer } from "./seed.ts";

export const minuteMs = 60_000;
export const silent = makeLog("silent");

/** A conversation of a business of its own, whose number the simulated Meta knows. */
export type Place = SeededWorkspace & SeededConversation;

/** The outbox with its senders and a simulated Meta, for one test file; senders are stopped after each test. */
export async function outbox(database: TestDatabase) {
  const meta = await startMetaSimulator({ appSecret: "secret", latency: { p50Ms: 5, p99Ms: 20 } });
  const senders: Sender[] = [];
  afterEach(async () => {
    await Promise.all(senders.splice(0).map((sender) => sender.stop()));
  });

  function start(over: { clock?: Clock; settleMs?: number; stopMs?: number; graphUrl?: string } = {}): Sender {
    const { clock = systemClock, settleMs = 30 * minuteMs, stopMs = 20_000, graphUrl = meta.url } = over;
    const graph = { baseUrl: graphUrl, version: "v25.0" };
    const { worker } = database;
    const sender = startSender({ worker, graph, sealer: testSealer, clock, log: silent, settleMs, stopMs });
    senders.push(sender);
    return sender;
  }

  async function newConversation(behaviour: Behaviour = {}): Promise<Place> {
    const business = await seedWorkspace(database);
    const conversation = await seedConversation(database, business);
    meta.addNumber({ ...business, displayPhone: "919900011223" });
    const noOrders = { cutBeforeWork: 0, dropAnswerAfterWork: 0, answer500AfterWork: 0, answer131000AfterWork: 0 };
    meta.behave({ ...noOrders, ...behaviour });
    return { ...business, ...conversation };
  }

  /** As the sender called `name` claims, in this process or another. */
  const claimAs = async (name: string, at: Place) => {
    const leaseName = `send:${at.numberId}`;
    await acquireLeases(database.worker, [leaseName], name, minuteMs);
    const graph = { baseUrl: meta.url, version: "v25.0" };
    const common = { worker: database.worker, graph, sealer: testSealer, clock: systemClock, log: silent };
    return claimSend({ ...common, name, random: Math.random }, at, leaseName);
  };

  async function queue(at: Place, text = "Yes"): Promise<string> {
    const outcome = await queueReply(
      { app: database.app, clock: systemClock },
      {
        ...{ workspaceId: at.workspaceId, conversationId: at.conversationId, agent: "hubspot:1", text },
        ...{ idempotencyKey: randomUUID(), seen: { version: "0", messageId: "0" }, requestId: randomUUID() },
      },
    );
    if (outcome.outcome !== "queued") throw new Error(JSON.stringify(outcome));
    return outcome.sendId;
  }

  /** Applies a status as the pipeline does: `sent`, with our opaque data. */
  async function applyStatus(at: Place, sendId: string, wamid: string): Promise<void> {
    await asWorkspaces(database.worker, [at.workspaceId], async (tx) => {
      const [locked] = await lockWorkspacesOf(tx, [at]);
      const opaque = `tv1:${sendId}`;
      const recipient = { bsuid: at.bsuid };
      const fact = { kind: "status" as const, wamid, status: "sent", occurredAt: new Date(), recipient, opaque };
      const place = { workspaceId: at.workspaceId, numberId: at.numberId, portfolioKey: locked?.portfolioKey ?? "" };
      const entry = { ...place, deliveryId: "0", change: 0, position: 0, receivedAt: new Date(), fact };
      await applyFacts(tx, [entry], { now: new Date(), hasInstall: () => false });
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: rows as PostgreSQL has them
  const sendOf = async (id: string): Promise<any> =>
    (await database.owner.query("select * from send where id = $1", [id])).rows[0];
  const stateOf = async (id: string): Promise<string> => (await sendOf(id)).state;
  const callsOf = ({ phoneNumberId }: Place): SentCall[] =>
    meta.world.calls.filter((call) => call.phoneNumberId === phoneNumberId);
  const messagesOf = async ({ conversationId }: Place) =>
    (await database.owner.query("select * from message where conversation_id = $1 order by id", [conversationId])).rows;

  return { meta, senders, start, newConversation, claimAs, queue, applyStatus, sendOf, stateOf, callsOf, messagesOf };
}
