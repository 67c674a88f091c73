import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Item, TimelinePage } from "#core/api/contract/timeline.ts";
import { systemClock } from "#core/kit/clock.ts";
import { queueReply } from "#core/usecases/messages/queue-reply.ts";
import { type TimelineAsk, timelinePage, timelineSearch, timelineSince } from "#core/views/timeline.ts";
import { freshDatabase } from "#test/support/database.ts";
import { type SeededConversation, seedConversation, seedMessage, seedWorkspace } from "#test/support/seed.ts";

const database = await freshDatabase();
const business = await seedWorkspace(database);
const { workspaceId } = business;
const reader = { app: database.app, clock: systemClock };

const ask = ({ recordId }: SeededConversation, over: Partial<TimelineAsk> = {}): TimelineAsk => ({
  workspaceId,
  record: { crm: "hubspot", type: "contact", id: recordId, installId: business.installId },
  actor: "hubspot:1",
  language: "en",
  requestId: randomUUID(),
  limit: 50,
  ...over,
});

const say = (conversationId: string, body: string, more = {}) =>
  seedMessage(database, workspaceId, conversationId, { body, ...more });

const reply = async ({ conversationId }: SeededConversation, text: string) => {
  const outcome = await queueReply(reader, {
    ...{ workspaceId, conversationId, agent: "hubspot:1", text, idempotencyKey: randomUUID() },
    ...{ seen: { version: "0", messageId: "0" }, requestId: randomUUID() },
  });
  return outcome.outcome === "queued" ? outcome.sendId : "";
};

/** Two numbers and two identities of one person, linked to one record. */
async function personWithTwoConversations() {
  const first = await seedConversation(database, business);
  const second = await seedConversation(database, business, { personId: first.personId, recordId: first.recordId });
  return { first, second };
}

describe("a page", () => {
  test("shows both conversations of a person merged, over 130 items, without a gap or a repetition", async () => {
    const { first, second } = await personWithTwoConversations();
    const sentAt = (index: number) => new Date(1_790_000_000_000 + Math.floor(index / 3) * 1000);
    const expected: string[] = [];
    for (let index = 0; index < 130; index++) {
      const { conversationId } = index % 3 === 0 ? second : first;
      expected.unshift(`m${await say(conversationId, `Message ${index}`, { sentAt: sentAt(index) })}`);
    }

    const seen: Item[] = [];
    let before: string | null | undefined;
    do {
      const page: TimelinePage = await timelinePage(reader, ask(first, { limit: 40 }), before ?? undefined);
      expect(page.items.length).toBeLessThanOrEqual(40);
      seen.push(...page.items);
      before = page.before;
    } while (before);

    expect(seen.map(({ id }) => id)).toEqual(expected);
    expect(new Set(seen.map(({ conversationId }) => conversationId)).size).toBe(2);
  });

  test("shows a reply that waits among the messages, and pages across it", async () => {
    const at = await seedConversation(database, business);
    await say(at.conversationId, "Old", { sentAt: new Date(Date.now() - 5000) });
    const sendId = await reply(at, "Waiting");
    await say(at.conversationId, "New", { sentAt: new Date(Date.now() + 5000) });

    const one = await timelinePage(reader, ask(at, { limit: 1 }));
    const two = await timelinePage(reader, ask(at, { limit: 1 }), one.before ?? "");
    const three = await timelinePage(reader, ask(at, { limit: 1 }), two.before ?? "");

    expect([one, two, three].map(({ items }) => items[0]?.text)).toEqual(["New", "Waiting", "Old"]);
    expect(two.items[0]).toMatchObject({ id: `s${sendId}`, tick: { name: "waiting" }, author: { agent: "hubspot:1" } });
    expect(three.before).toBeNull();
  });

  test("shows the edited text, hides what was revoked, and shows reactions, quotes and failures in words", async () => {
    const at = await seedConversation(database, business);
    const edited = await say(at.conversationId, "Frist", { more: { edited_at: new Date(), edited_body: "First" } });
    await say(at.conversationId, "Secret", { more: { revoked_at: new Date() } });
    await say(at.conversationId, "Answer", {
      wamid: "wamid.q",
      direction: "out",
      statusRank: 3,
      more: { failure_code: 131026 },
    });
    await say(at.conversationId, "See above", { more: { quoted_wamid: "wamid.q" } });
    await database.owner.query("insert into message_reaction values ($1, $2, 'w', 'x', '👍', now())", [
      workspaceId,
      edited,
    ]);

    const { items } = await timelinePage(reader, ask(at));
    const [quoting, failed, revoked, first] = items;

    expect(first).toMatchObject({ text: "First", isEdited: true, reactions: [{ by: "customer", emoji: "👍" }] });
    expect(revoked).toMatchObject({ isRevoked: true, label: "This message was deleted" });
    expect(JSON.stringify(items)).not.toContain("Secret");
    expect(failed).toMatchObject({
      tick: { name: "failed" },
      refusal: { code: "person_unreachable", action: expect.any(String) },
    });
    expect(quoting).toMatchObject({ quoted: { text: "Answer", id: failed?.id } });
  });

  test("says why the CRM would not log a message, with what to do, and only of the CRM that is shown", async () => {
    const at = await seedConversation(database, business);
    const refuse = async (body: string, refusal: object, installId = business.installId) => {
      const id = await say(at.conversationId, body);
      await database.owner.query(
        `insert into crm_write (workspace_id, install_id, message_id, marker, next_try_at, state, refusal)
         values ($1, $2, $3, 'x', now(), 'refused', $4)`,
        [workspaceId, installId, id, JSON.stringify(refusal)],
      );
    };
    await refuse("Elsewhere", { code: "crm.record_gone" }, randomUUID());
    await refuse("New", { code: "crm.not_thought_of" });
    await refuse("Fields", { code: "crm.required_property", detail: "company" });
    await refuse("Gone", { code: "crm.record_gone" });

    const { items } = await timelinePage(reader, ask(at));

    expect(items.map(({ unlogged }) => unlogged)).toEqual([
      {
        code: "crm.record_gone",
        title: "Not logged in HubSpot: the contact was deleted or merged",
        action: "Log this message by hand if it matters. Later messages find a contact again, or make one.",
      },
      {
        code: "crm.required_property",
        title: "Not logged in HubSpot: it requires fields that WhatsApp does not give (company)",
        action: expect.stringContaining("Create the contact by hand"),
      },
      { code: "crm.not_thought_of", title: "Not logged in HubSpot: it was refused", action: expect.any(String) },
      undefined,
    ]);
  });

  test("bears a time that no phone should have, and a kind of message that nobody knows", async () => {
    const at = await seedConversation(database, business);
    const id = await say(at.conversationId, "Far away");
    const ago = await say(at.conversationId, "Long ago");
    const set = "update message set sent_at = $2::timestamptz, type = 'hologram' where id = $1";
    await database.owner.query(set, [id, "12000-01-01 00:00:00.000001"]);
    await database.owner.query(set, [ago, "1969-12-31 23:59:59.999999+00"]);

    const { items, before } = await timelinePage(reader, ask(at, { limit: 1 }));
    const older = await timelinePage(reader, ask(at, { limit: 1 }), before ?? "");

    const label = "Message of a new kind";
    expect(items).toMatchObject([{ sentAt: "9999-12-31T23:59:59.999Z", type: "hologram", label }]);
    expect(older.items).toMatchObject([{ id: `m${ago}`, sentAt: "1969-12-31T23:59:59.999Z" }]);
  });

  test("tells the window, and what to hand back with a reply", async () => {
    const open = await seedConversation(database, business);
    const closed = await seedConversation(database, business, { lastInboundAgoMs: 25 * 3_600_000 });
    const messageId = await say(open.conversationId, "Hello");

    const [conversation] = (await timelinePage(reader, ask(open))).conversations;

    expect(conversation).toMatchObject({
      window: { isOpen: true },
      seenThrough: `v1.${messageId}`,
      person: { name: "Asha Menon" },
    });
    expect((await timelinePage(reader, ask(closed))).conversations).toMatchObject([{ window: { isOpen: false } }]);
  });

  test("is written to the audit, with who, what and how many", async () => {
    const at = await seedConversation(database, business);
    await say(at.conversationId, "Hello");

    const { since } = await timelinePage(reader, ask(at));
    await timelineSince(reader, ask(at), since);

    const { rows } = await database.owner.query("select actor, action, detail from audit_entry where subject = $1", [
      `hubspot/contact/${at.recordId}`,
    ]);
    expect(rows).toEqual([{ actor: "hubspot:1", action: "timeline.read", detail: { items: 1 } }]);
  });

  test("is refused when two accounts of the workspace have a record of this id, and the caller speaks for both", async () => {
    const at = await seedConversation(database, business);
    const installId = randomUUID();
    await database.owner.query(
      "insert into install (workspace_id, id, crm, crm_account_id) values ($1, $2, 'hubspot', $2::uuid::text)",
      [workspaceId, installId],
    );
    await database.owner.query("insert into record_link values ($1, $2, $3, 'contact', $4, 'test', now())", [
      ...[workspaceId, installId, at.identityId, at.recordId],
    ]);

    const asking = timelinePage(reader, ask(at, { record: { crm: "hubspot", type: "contact", id: at.recordId } }));

    await expect(asking).rejects.toMatchObject({ code: "record.ambiguous" });
    await expect(timelinePage(reader, ask(at))).resolves.toBeDefined();
  });
});

describe("a search", () => {
  test("finds words in both conversations, takes wildcards as text, and never finds what was revoked", async () => {
    const { first, second } = await personWithTwoConversations();
    await say(first.conversationId, "The 100% price");
    await say(second.conversationId, "A PRICE list");
    await say(second.conversationId, "Secret price", { more: { revoked_at: new Date() } });
    await say(second.conversationId, "Other", { more: { edited_at: new Date(), edited_body: "New price" } });

    const find = async (words: string) =>
      (await timelineSearch(reader, ask(first), words)).items.map(({ text }) => text);

    expect((await find("price")).sort()).toEqual(["A PRICE list", "New price", "The 100% price"]);
    expect(await find("100%")).toEqual(["The 100% price"]);
    expect(await find("%%")).toEqual([]);
    expect(await find("Other")).toEqual([]);
  });
});
