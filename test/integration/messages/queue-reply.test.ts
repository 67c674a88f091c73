import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { queueReply, type Reply } from "#core/usecases/messages/queue-reply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { seedConversation, seedMessage, seedWorkspace } from "#test/support/seed.ts";

const HOUR_MS = 3_600_000;
const database = await freshDatabase();
const deps = { app: database.app, clock: systemClock };
const business = await seedWorkspace(database);

const newReply = (conversationId: string, over: Partial<Reply> = {}): Reply => ({
  workspaceId: business.workspaceId,
  conversationId,
  agent: "hubspot:1",
  idempotencyKey: randomUUID(),
  text: "Yes, it is still available.",
  seen: { version: "0", messageId: "0" },
  requestId: randomUUID(),
  ...over,
});

const sendsOf = async (conversationId: string) =>
  (await database.owner.query("select * from send where conversation_id = $1 order by created_at", [conversationId]))
    .rows;

describe("a reply is refused, and nothing is stored,", () => {
  test("when more than 24 hours have passed since the person wrote", async () => {
    const { conversationId } = await seedConversation(database, business, { lastInboundAgoMs: 24 * HOUR_MS + 1 });

    const outcome = await queueReply(deps, newReply(conversationId));

    expect(outcome).toMatchObject({ outcome: "refused", reason: "window_closed", windowClosedAt: expect.any(Date) });
    expect(await sendsOf(conversationId)).toEqual([]);
  });

  test("when the person has never written", async () => {
    const { conversationId } = await seedConversation(database, business, { lastInboundAgoMs: undefined });

    expect(await queueReply(deps, newReply(conversationId))).toEqual({ outcome: "refused", reason: "window_closed" });
  });

  test("when the number was disconnected", async () => {
    const other = await seedWorkspace(database);
    const { conversationId } = await seedConversation(database, other);
    await database.owner.query("update business_number set disconnected_at = now() where id = $1", [other.numberId]);

    const outcome = await queueReply(deps, newReply(conversationId, { workspaceId: other.workspaceId }));

    expect(outcome).toMatchObject({ outcome: "refused", reason: "number_disconnected" });
  });

  test("when the conversation is another workspace's", async () => {
    const other = await seedWorkspace(database);
    const { conversationId } = await seedConversation(database, other);

    await expect(queueReply(deps, newReply(conversationId))).rejects.toMatchObject({ code: "conversation.missing" });
  });

  test("when the caller's install has no record of the person", async () => {
    const { conversationId } = await seedConversation(database, business, { isLinked: false });

    const asking = queueReply(deps, newReply(conversationId, { withinInstall: business.installId }));

    await expect(asking).rejects.toMatchObject({ code: "conversation.missing" });
  });

  test("when it quotes a message of another conversation", async () => {
    const here = await seedConversation(database, business);
    const there = await seedConversation(database, business);
    const quotedMessageId = await seedMessage(database, business.workspaceId, there.conversationId);

    const asking = queueReply(deps, newReply(here.conversationId, { quotedMessageId }));

    await expect(asking).rejects.toMatchObject({ code: "reply.quoted_unknown" });
    expect(await sendsOf(here.conversationId)).toEqual([]);
  });
});

describe("somebody answered since", () => {
  test("the phone: the agent is asked first", async () => {
    const { conversationId } = await seedConversation(database, business);
    await seedMessage(database, business.workspaceId, conversationId, { direction: "out", origin: "phone" });

    const outcome = await queueReply(deps, newReply(conversationId));

    expect(outcome).toMatchObject({ outcome: "answered-since", answers: [{ origin: "phone" }] });
    expect(await sendsOf(conversationId)).toEqual([]);
  });

  test("a colleague whose reply still waits: the agent is asked first", async () => {
    const { conversationId } = await seedConversation(database, business);
    await queueReply(deps, newReply(conversationId, { agent: "hubspot:2" }));

    expect(await queueReply(deps, newReply(conversationId))).toMatchObject({ outcome: "answered-since" });
  });

  test("two colleagues in the same moment: one is queued, the other is asked", async () => {
    const { conversationId } = await seedConversation(database, business);

    const outcomes = await Promise.all([
      queueReply(deps, newReply(conversationId, { agent: "hubspot:1" })),
      queueReply(deps, newReply(conversationId, { agent: "hubspot:2" })),
    ]);

    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["answered-since", "queued"]);
  });

  test("an answer that was on the screen, and whose ticks changed since, asks nothing", async () => {
    const { conversationId } = await seedConversation(database, business);
    const { workspaceId } = business;
    const messageId = await seedMessage(database, workspaceId, conversationId, { direction: "out" });
    await database.owner.query("update message set version = 7 where id = $1", [messageId]);
    await database.owner.query("update conversation set version = 7 where id = $1", [conversationId]);

    const outcome = await queueReply(deps, newReply(conversationId, { seen: { version: "1", messageId } }));

    expect(outcome).toMatchObject({ outcome: "queued" });
  });

  test("the agent's own earlier reply asks nothing", async () => {
    const { conversationId } = await seedConversation(database, business);
    await queueReply(deps, newReply(conversationId));

    expect(await queueReply(deps, newReply(conversationId, { text: "One more thing" }))).toMatchObject({
      outcome: "queued",
    });
  });
});

describe("one idempotency key", () => {
  test("clicked ten times at once is one send", async () => {
    const { conversationId } = await seedConversation(database, business);
    const reply = newReply(conversationId);

    const outcomes = await Promise.all(Array.from({ length: 10 }, () => queueReply(deps, reply)));

    expect(new Set(outcomes.map((outcome) => outcome.outcome === "queued" && outcome.sendId)).size).toBe(1);
    expect(await sendsOf(conversationId)).toHaveLength(1);
  });

  test("with another text is refused as a conflict", async () => {
    const { conversationId } = await seedConversation(database, business);
    const reply = newReply(conversationId);
    await queueReply(deps, reply);

    await expect(queueReply(deps, { ...reply, text: "Something else" })).rejects.toMatchObject({
      code: "reply.key_reused",
    });
  });

  test("may be used again after a refusal", async () => {
    const { conversationId } = await seedConversation(database, business, { lastInboundAgoMs: 25 * HOUR_MS });
    const reply = newReply(conversationId);
    await queueReply(deps, reply);
    await database.owner.query("update conversation set last_live_inbound_at = now() where id = $1", [conversationId]);

    expect(await queueReply(deps, reply)).toMatchObject({ outcome: "queued" });
  });
});

test("a queued reply carries phone and BSUID, a new version, and an audit entry without its text", async () => {
  const { conversationId, phone, bsuid } = await seedConversation(database, business);

  await queueReply(deps, newReply(conversationId, { withinInstall: business.installId }));

  const [send] = await sendsOf(conversationId);
  expect(send).toMatchObject({ recipient_phone: phone, recipient_bsuid: bsuid, state: "queued", version: "1" });
  const audit = await database.owner.query("select * from audit_entry where subject = $1", [
    `conversation:${conversationId}`,
  ]);
  expect(audit.rows).toMatchObject([{ actor: "hubspot:1", action: "reply.queued", detail: { sendId: send.id } }]);
  expect(JSON.stringify(audit.rows)).not.toContain("available");
});

test("a phone that Meta has since shown with somebody else is not written to", async () => {
  const { conversationId, phone } = await seedConversation(database, business);
  const stranger = await seedConversation(database, business);
  await database.owner.query("insert into identity_attribute values ($1, $2, 'phone', $3, now(), now())", [
    business.workspaceId,
    stranger.identityId,
    phone,
  ]);

  await queueReply(deps, newReply(conversationId));

  const [send] = await sendsOf(conversationId);
  expect(send.recipient_phone).toBeNull();
  expect(send.recipient_bsuid).not.toBeNull();
});
