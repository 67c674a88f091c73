import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { markRead } from "#core/usecases/messages/mark-read.ts";
import { freshDatabase } from "#test/support/database.ts";
import { seedConversation, seedMessage, seedWorkspace } from "#test/support/seed.ts";

const database = await freshDatabase();
const business = await seedWorkspace(database);
const newestAt = new Date("2026-11-22T10:00:00.000Z");

async function newConversation() {
  const { conversationId } = await seedConversation(database, business, { lastInboundAgoMs: undefined });
  await seedMessage(database, business.workspaceId, conversationId, { sentAt: newestAt });
  const read = (through: Date) =>
    markRead(
      { app: database.app, clock: systemClock },
      { workspaceId: business.workspaceId, conversationId, agent: "console:owner", through, requestId: randomUUID() },
    );
  const state = async () =>
    (await database.owner.query("select read_through_at, version from conversation where id = $1", [conversationId]))
      .rows[0];
  return { conversationId, read, state };
}

test("the read position never goes back, and standing still changes no version", async () => {
  const { read, state } = await newConversation();

  await read(newestAt);
  await read(new Date(newestAt.getTime() - 1));
  await read(newestAt);

  expect(await state()).toEqual({ read_through_at: newestAt, version: "2" });
});

test("the read position never passes the newest message", async () => {
  const { read, state } = await newConversation();

  await read(new Date(newestAt.getTime() + 60_000));

  expect((await state()).read_through_at).toEqual(newestAt);
});

test("reading is written to the audit", async () => {
  const { conversationId, read } = await newConversation();

  await read(newestAt);

  const { rows } = await database.owner.query("select actor, action from audit_entry where subject = $1", [
    `conversation:${conversationId}`,
  ]);
  expect(rows).toEqual([{ actor: "console:owner", action: "conversation.read" }]);
});
