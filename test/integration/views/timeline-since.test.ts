import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { confirmSends } from "#core/store/sends.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { queueReply } from "#core/usecases/messages/queue-reply.ts";
import { type TimelineAsk, timelinePage, timelineSince } from "#core/views/timeline.ts";
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

describe("since", () => {
  test("brings a tick, and a send that became a message replaces what was waiting", async () => {
    const at = await seedConversation(database, business);
    const sendId = await reply(at, "Yes");
    const { since, items } = await timelinePage(reader, ask(at));
    expect(items).toMatchObject([{ id: `s${sendId}` }]);

    await asWorkspaces(database.worker, [workspaceId], (tx) =>
      confirmSends(tx, workspaceId, [{ sendId, wamid: `wamid.${sendId}`, at: new Date() }]),
    );
    const options = { direction: "out" as const, origin: "agent", wamid: `wamid.${sendId}`, statusRank: 4 };
    const messageId = await say(at.conversationId, "Yes", options);
    const changes = await timelineSince(reader, ask(at), since);

    expect(changes.items).toMatchObject([{ id: `m${messageId}`, text: "Yes", tick: { name: "delivered" } }]);
    expect(changes.replaced).toEqual([{ id: `s${sendId}`, by: `m${messageId}` }]);
    expect((await timelineSince(reader, ask(at), changes.since)).items).toEqual([]);
  });

  test("brings a conversation that joined the record, whole", async () => {
    const { first } = await personWithTwoConversations();
    const page = await timelinePage(reader, ask(first));
    const joined = await seedConversation(database, business, { personId: first.personId, recordId: first.recordId });
    await say(joined.conversationId, "From another identity");

    const changes = await timelineSince(reader, ask(first), page.since);

    expect(changes.conversations).toHaveLength(3);
    expect(changes.items.map(({ text }) => text)).toEqual(["From another identity"]);
  });

  test("brings a conversation that joined the record over several pages, and loses nothing of the others", async () => {
    const first = await seedConversation(database, business);
    const expected = [];
    for (let index = 0; index < 9; index++) expected.push(await say(first.conversationId, `Before ${index}`));
    const seen = new Set<string>();
    const start = await timelinePage(reader, ask(first, { limit: 4 }));
    const joined = await seedConversation(database, business, { personId: first.personId, recordId: first.recordId });
    for (let index = 0; index < 13; index++) expected.push(await say(joined.conversationId, `Joined ${index}`));
    for (let index = 0; index < 9; index++) expected.push(await say(first.conversationId, `After ${index}`));

    let page = start;
    let before = start.before;
    do {
      for (const { id } of page.items) seen.add(id);
      page = await timelineSince(reader, ask(first, { limit: 4 }), page.since);
      if (page.before !== undefined) before = page.before;
    } while (page.hasMore);
    for (const { id } of page.items) seen.add(id);
    while (before) {
      page = await timelinePage(reader, ask(first, { limit: 4 }), before);
      for (const { id } of page.items) seen.add(id);
      before = page.before;
    }

    expect([...seen].sort()).toEqual(expected.map((id) => `m${id}`).sort());
  });

  test("in pages of three loses nothing of what one version changed together", async () => {
    const at = await seedConversation(database, business);
    const { since: start } = await timelinePage(reader, ask(at));
    for (let index = 0; index < 10; index++) await say(at.conversationId, `Message ${index}`);
    await database.owner.query("update message set version = ((version - 1) / 4) + 1 where conversation_id = $1", [
      at.conversationId,
    ]);
    await database.owner.query("update conversation set version = 3 where id = $1", [at.conversationId]);

    const texts = new Set<string | undefined>();
    let [since, hasMore, pages] = [start, true, 0];
    while (hasMore) {
      const changes = await timelineSince(reader, ask(at, { limit: 3 }), since);
      for (const { text } of changes.items) texts.add(text);
      ({ since, hasMore } = changes);
      pages++;
    }

    expect(texts.size).toBe(10);
    expect(pages).toBe(3);
  });

  test("misses nothing while others commit: what a reader gathered is what the store holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(8), { minLength: 5, maxLength: 25 }), async (delays) => {
        const { first, second } = await personWithTwoConversations();
        const page = await timelinePage(reader, ask(first));
        const gathered = new Map<string, string | undefined>();
        let since = page.since;
        let isWriting = true;
        const read = async () => {
          const changes = await timelineSince(reader, ask(first, { limit: 4 }), since);
          for (const { id, tick } of changes.items) gathered.set(id, tick?.name);
          since = changes.since;
          return changes.hasMore;
        };

        const writing = Promise.all(
          delays.map(async (ms, index) => {
            const { conversationId } = index % 2 ? first : second;
            await slowly(conversationId, ms);
          }),
        ).then(() => {
          isWriting = false;
        });
        while (isWriting) await read();
        await writing;
        while (await read());

        const { rows } = await database.owner.query(
          "select id, status_rank from message where conversation_id = any ($1)",
          [[first.conversationId, second.conversationId]],
        );
        expect([...gathered].sort()).toEqual(rows.map(({ id }) => [`m${id}`, "delivered"]).sort());
      }),
      { numRuns: 8 },
    );
  });
});

/** A message and then its tick, each in a transaction that is kept open for a while after its version was taken. */
async function slowly(conversationId: string, ms: number): Promise<void> {
  const id = await say(conversationId, "Hi", { direction: "out", statusRank: 1 });
  const client = await database.owner.connect();
  try {
    await client.query("begin");
    await client.query(
      `with c as (update conversation set version = version + 1 where id = $1 returning version)
       update message set status_rank = 4, version = c.version from c where id = $2`,
      [conversationId, id],
    );
    await client.query("select pg_sleep($1)", [ms / 1000]);
    await client.query("commit");
  } finally {
    client.release();
  }
}
