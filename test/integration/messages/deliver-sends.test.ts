import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type Clock, systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { acquireLeases } from "#core/store/leases.ts";
import { lockNumbers } from "#core/store/numbers.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { applyFacts } from "#core/usecases/deliveries/apply/apply-facts.ts";
import { claimSends } from "#core/usecases/messages/claim-sends.ts";
import { type Sender, startSender } from "#core/usecases/messages/deliver-sends.ts";
import { queueReply } from "#core/usecases/messages/queue-reply.ts";
import { settleSends } from "#core/usecases/messages/settle-sends.ts";
import type { Behaviour } from "#test/sandbox/meta/behaviour.ts";
import { startMetaSimulator } from "#test/sandbox/meta/simulator.ts";
import { freshDatabase } from "#test/support/database.ts";
import {
  type SeededConversation,
  type SeededWorkspace,
  seedConversation,
  seedWorkspace,
  testKey,
  testSealer,
} from "#test/support/seed.ts";
import { until } from "#test/support/until.ts";

const MINUTE_MS = 60_000;
const log = makeLog("silent");
const database = await freshDatabase();
const meta = await startMetaSimulator({ appSecret: "secret", latency: { p50Ms: 5, p99Ms: 20 } });
const senders: Sender[] = [];

afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.stop()));
});

function start(over: { clock?: Clock; settleMs?: number; graphUrl?: string } = {}): Sender {
  const { clock = systemClock, settleMs = 30 * MINUTE_MS, graphUrl = meta.url } = over;
  const graph = { baseUrl: graphUrl, version: "v25.0" };
  const sender = startSender({ worker: database.worker, graph, sealer: testSealer, clock, log, settleMs });
  senders.push(sender);
  return sender;
}

async function newConversation(behaviour: Behaviour = {}): Promise<SeededWorkspace & SeededConversation> {
  const business = await seedWorkspace(database);
  const conversation = await seedConversation(database, business);
  meta.addNumber({ ...business, displayPhone: "919900011223" });
  meta.behave({ cutBeforeWork: 0, dropAnswerAfterWork: 0, answer500AfterWork: 0, ...behaviour });
  return { ...business, ...conversation };
}

async function queue(
  at: SeededWorkspace & SeededConversation,
  text = "Yes",
  over: { clock?: Clock } = {},
): Promise<string> {
  const outcome = await queueReply(
    { app: database.app, clock: over.clock ?? systemClock },
    {
      ...{ workspaceId: at.workspaceId, conversationId: at.conversationId, agent: "hubspot:1", text },
      ...{ idempotencyKey: randomUUID(), seen: { version: "0", messageId: "0" }, requestId: randomUUID() },
    },
  );
  if (outcome.outcome !== "queued") throw new Error(JSON.stringify(outcome));
  return outcome.sendId;
}

const sendOf = async (id: string) => (await database.owner.query("select * from send where id = $1", [id])).rows[0];
const stateOf = async (id: string) => (await sendOf(id)).state;
const callsOf = ({ phoneNumberId }: SeededWorkspace) =>
  meta.world.calls.filter((call) => call.phoneNumberId === phoneNumberId);
const messagesOf = async ({ conversationId }: SeededConversation) =>
  (await database.owner.query("select * from message where conversation_id = $1 order by id", [conversationId])).rows;

/** An address where nobody listens any more. */
async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

async function applyStatus(at: SeededWorkspace & SeededConversation, sendId: string, wamid: string): Promise<void> {
  await asWorkspaces(database.worker, [at.workspaceId], async (tx) => {
    const [locked] = await lockNumbers(tx, [at]);
    const fact = {
      kind: "status" as const,
      wamid,
      status: "sent",
      occurredAt: new Date(),
      recipient: { bsuid: at.bsuid },
    };
    const place = { workspaceId: at.workspaceId, numberId: at.numberId, portfolioKey: locked?.portfolioKey ?? "" };
    const entry = { ...place, deliveryId: "0", change: 0, position: 0, receivedAt: new Date() };
    await applyFacts(tx, [{ ...entry, fact: { ...fact, opaque: `tv1:${sendId}` } }], {
      now: new Date(),
      hasInstall: () => false,
    });
  });
}

describe("a reply reaches Meta", () => {
  test("once, as exactly this body, and becomes the message of its agent", async () => {
    const at = await newConversation();
    const sendId = await queue(at, "Yes, it is");

    start();
    await until(async () => (await stateOf(sendId)) === "confirmed");

    expect(callsOf(at).map(({ body }) => body)).toEqual([
      {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to: `+${at.phone}`,
        type: "text",
        text: { body: "Yes, it is" },
        biz_opaque_callback_data: `tv1:${sendId}`,
      },
    ]);
    const wamid = callsOf(at)[0]?.wamid;
    const message = { wamid, direction: "out", origin: "agent", origin_id: "hubspot:1", body: "Yes, it is" };
    expect(await messagesOf(at)).toMatchObject([message]);
  });

  test("once, with two senders and ten replies in one conversation, in the order they were written", async () => {
    const at = await newConversation();
    const texts = Array.from({ length: 10 }, (_, index) => `Reply ${index}`);
    for (const text of texts) await queue(at, text);

    start();
    start();
    await until(async () => (await messagesOf(at)).length === 10);

    expect(callsOf(at).map(({ body }) => (body["text"] as { body: string }).body)).toEqual(texts);
  });

  test("later, when Meta says that the throughput is reached", async () => {
    const at = await newConversation({ refuse: { code: 130429, httpStatus: 429, times: 2 } });
    const sendId = await queue(at);

    start();
    await until(async () => (await stateOf(sendId)) === "confirmed");

    expect(callsOf(at).map(({ code }) => code)).toEqual([130429, 130429, undefined]);
  });

  test("later, when nobody listens at first", async () => {
    const at = await newConversation();
    const sendId = await queue(at);

    start({ graphUrl: await closedAddress() });
    await until(async () => (await sendOf(sendId)).attempts > 0 && (await stateOf(sendId)) === "queued");
    await senders.pop()?.stop();
    start();
    await until(async () => (await stateOf(sendId)) === "confirmed");

    expect(callsOf(at)).toHaveLength(1);
  });
});

describe("a send is refused, visibly,", () => {
  test("when the window closed between queue and claim", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await database.owner.query("update conversation set last_live_inbound_at = now() - interval '25 h' where id = $1", [
      at.conversationId,
    ]);

    start();
    await until(async () => (await stateOf(sendId)) === "refused");

    expect(await sendOf(sendId)).toMatchObject({ refusal: { code: "window_closed" }, version: "2", attempts: 0 });
    expect(callsOf(at)).toEqual([]);
  });

  test("when the number was disconnected between queue and claim", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await database.owner.query("update business_number set disconnected_at = now() where id = $1", [at.numberId]);

    start();
    await until(async () => (await stateOf(sendId)) === "refused");

    expect(await sendOf(sendId)).toMatchObject({ refusal: { code: "number_disconnected" } });
    expect(callsOf(at)).toEqual([]);
  });

  test.each([
    [131042, "payment_problem"],
    [131026, "person_unreachable"],
    [190, "reconnect"],
    [131000, "meta_trouble"],
    [999_999, "other"],
  ])("when Meta answers %i: %s", async (code, words) => {
    const at = await newConversation({ refuse: { code, httpStatus: code === 131000 ? 500 : 400 } });
    const sendId = await queue(at);

    start();
    await until(async () => (await stateOf(sendId)) === "refused");

    expect(await sendOf(sendId)).toMatchObject({ refusal: { code: words, metaCode: code } });
    expect(callsOf(at)).toHaveLength(1);
  });
});

describe("a lost answer", () => {
  test.each<[string, Behaviour]>([
    ["the connection is cut after Meta worked", { dropAnswerAfterWork: 1 }],
    ["the connection is cut before Meta worked", { cutBeforeWork: 1 }],
    ["a proxy answers 500 in Meta's place", { answer500AfterWork: 1 }],
  ])("is never sent again: %s", async (_, behaviour) => {
    const at = await newConversation(behaviour);
    const sendId = await queue(at);

    const sender = start();
    await until(() => callsOf(at).length === 1);
    await sender.stop();
    start();
    const later = await queue(at, "A later one");
    await until(async () => (await stateOf(later)) === "confirmed");

    expect(await stateOf(sendId)).toBe("claimed");
    expect(callsOf(at)).toHaveLength(2);
  });

  test("is settled by the status that carries our opaque data", async () => {
    const at = await newConversation({ dropAnswerAfterWork: 1 });
    const sendId = await queue(at);
    const sender = start();
    await until(() => callsOf(at).length === 1);
    await sender.stop();

    await applyStatus(at, sendId, callsOf(at)[0]?.wamid ?? "");

    expect(await stateOf(sendId)).toBe("confirmed");
    expect(await messagesOf(at)).toMatchObject([{ body: "Yes", origin: "agent", status_rank: 2 }]);
  });

  test("is told to a person once a later send has had its status, and a late status still confirms it", async () => {
    const at = await newConversation({ dropAnswerAfterWork: 1 });
    const lost = await queue(at, "Lost");
    const sender = start();
    await until(() => callsOf(at).length === 1);
    const later = await queue(at, "Later");
    sender.wake();
    await until(async () => (await stateOf(later)) === "confirmed");
    await sender.stop();
    const inHalfAnHour: Clock = { ...systemClock, now: () => new Date(Date.now() + 31 * MINUTE_MS) };
    const settle = () => settleSends({ worker: database.worker, clock: inHalfAnHour, log, settleMs: 30 * MINUTE_MS });

    await settle();
    expect(await stateOf(lost)).toBe("claimed");
    await applyStatus(at, later, callsOf(at)[1]?.wamid ?? "");
    await settle();
    expect(await sendOf(lost)).toMatchObject({ state: "unconfirmed", refusal: { code: "unconfirmed" } });

    await applyStatus(at, lost, callsOf(at)[0]?.wamid ?? "");
    expect(await stateOf(lost)).toBe("confirmed");
    expect((await messagesOf(at)).map(({ body }) => body).sort()).toEqual(["Later", "Lost"]);
  });

  test("is told to a person after four times as long when nothing else was ever sent", async () => {
    const at = await newConversation({ cutBeforeWork: 1 });
    const sendId = await queue(at);
    const sender = start();
    await until(() => callsOf(at).length === 1);
    await sender.stop();
    const inTwoHours: Clock = { ...systemClock, now: () => new Date(Date.now() + 121 * MINUTE_MS) };

    await settleSends({ worker: database.worker, clock: inTwoHours, log, settleMs: 30 * MINUTE_MS });

    expect(await stateOf(sendId)).toBe("unconfirmed");
  });
});

describe("kill -9", () => {
  test("between claim and call: never sent, and a person is told", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    const dead = { worker: database.worker, graph: { baseUrl: meta.url, version: "v25.0" }, sealer: testSealer };
    const leaseName = `send:${at.numberId}`;
    await acquireLeases(database.worker, [leaseName], "dead", 50);
    const context = { ...dead, clock: systemClock, log, name: "dead", random: Math.random };
    const claimed = await claimSends(context, { ...at, leaseName, busyConversations: [], limit: 1 });
    expect(claimed?.map(({ id }) => id)).toEqual([sendId]);

    start({ settleMs: 20 });
    await until(async () => (await stateOf(sendId)) === "unconfirmed");

    expect(callsOf(at)).toEqual([]);
  });

  test("between call and answer: sent once, and its status confirms it", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    const calls: string[] = [];
    const graph = createServer((request) => {
      calls.push(request.url ?? "");
      child.kill("SIGKILL");
    });
    await new Promise<void>((resolve) => graph.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void graph.close());
    const graphUrl = `http://127.0.0.1:${(graph.address() as AddressInfo).port}`;
    const options = JSON.stringify({ connection: database.connection, graphUrl, key: testKey });
    const child = spawn(process.execPath, ["test/support/sender-process.ts", options], { stdio: "inherit" });
    await new Promise((resolve) => child.once("exit", resolve));
    await database.owner.query("update lease set held_until = now() where name = $1", [`send:${at.numberId}`]);

    start();
    const later = await queue(at, "A later one");
    await until(async () => (await stateOf(later)) === "confirmed");
    expect(calls).toHaveLength(1);
    expect(await stateOf(sendId)).toBe("claimed");
    expect(callsOf(at)).toHaveLength(1);

    await applyStatus(at, sendId, "wamid.late");
    expect(await stateOf(sendId)).toBe("confirmed");
  });
});

test("answer and status race: one message, whoever is first", async () => {
  const at = await newConversation();
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) ids.push(await queue(at, `Reply ${index}`));

  start();
  for (const [index, sendId] of ids.entries()) {
    await until(() => callsOf(at)[index]?.wamid !== undefined);
    await applyStatus(at, sendId, callsOf(at)[index]?.wamid ?? "");
  }
  await until(async () => (await Promise.all(ids.map(stateOf))).every((state) => state === "confirmed"));

  const messages = await messagesOf(at);
  expect(messages.map(({ body }) => body)).toEqual(ids.map((_, index) => `Reply ${index}`));
  expect(messages.every(({ status_rank }) => status_rank === 2)).toBe(true);
});

test("a sender that lost its lease claims nothing", async () => {
  const at = await newConversation();
  await queue(at);
  await acquireLeases(database.worker, [`send:${at.numberId}`], "another", MINUTE_MS);
  const context = { worker: database.worker, graph: { baseUrl: meta.url, version: "v25.0" }, sealer: testSealer };

  const claimed = await claimSends(
    { ...context, clock: systemClock, log, name: "late", random: Math.random },
    { ...at, leaseName: `send:${at.numberId}`, busyConversations: [], limit: 1 },
  );

  expect(claimed).toBeUndefined();
});
