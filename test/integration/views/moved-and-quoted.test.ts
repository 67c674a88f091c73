import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { selectRemovalsSince } from "#core/store/message-removals.ts";
import { asWorkspace } from "#core/store/transaction.ts";
import { applyPayloads, connectNumber, type TestNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { echoTo, inbound, textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const at = 1_795_000_000;
const now = new Date("2026-11-21T12:00:00Z");
const asha = { phone: "919845000117", bsuid: "IN.1" };

async function versionOf({ workspaceId }: TestNumber, wamid: string): Promise<number> {
  const { rows } = await database.owner.query("select version from message where workspace_id = $1 and wamid = $2", [
    workspaceId,
    wamid,
  ]);
  return Number(rows[0].version);
}

test("revoking or editing a message changes the version of what quotes it", async () => {
  const number = await connectNumber(database);
  const quote = { type: "text", text: { body: "See above" }, context: { id: "q1" } };
  await applyPayloads(database, number, [textFrom(asha, "q1", at, "Secret"), inbound(asha, "q2", at + 1, quote)], now);
  const before = await versionOf(number, "q2");
  await applyPayloads(
    database,
    number,
    [
      inbound(asha, "e", at + 2, {
        type: "edit",
        edit: { original_message_id: "q1", message: { type: "text", text: { body: "x" } } },
      }),
    ],
    now,
  );
  const edited = await versionOf(number, "q2");
  await applyPayloads(
    database,
    number,
    [inbound(asha, "r", at + 3, { type: "revoke", revoke: { original_message_id: "q1" } })],
    now,
  );

  expect([edited > before, (await versionOf(number, "q2")) > edited]).toEqual([true, true]);
});

test("a quoted message that comes after what quotes it changes the version of the quote", async () => {
  const number = await connectNumber(database);
  await applyPayloads(
    database,
    number,
    [inbound(asha, "q2", at + 1, { type: "text", text: { body: "See above" }, context: { id: "q1" } })],
    now,
  );
  const before = await versionOf(number, "q2");
  await applyPayloads(database, number, [textFrom(asha, "q1", at, "Late")], now);

  expect(await versionOf(number, "q2")).toBeGreaterThan(before);
});

test("a message that turns out to be another holder's is told to the readers of the old conversation as gone", async () => {
  const number = await connectNumber(database);
  const byPhone = { phone: asha.phone };
  await applyPayloads(
    database,
    number,
    [textFrom(asha, "m1", at, "Hello"), echoTo(byPhone, "m2", at + 90_000, { type: "text", text: { body: "To you" } })],
    now,
  );
  const { rows } = await database.owner.query(
    "select id, conversation_id from message where workspace_id = $1 and wamid = 'm2'",
    [number.workspaceId],
  );
  const { id, conversation_id: left } = rows[0];

  await applyPayloads(
    database,
    number,
    [textFrom({ ...byPhone, bsuid: "IN.2" }, "m3", at + 80_000, "A new owner")],
    now,
  );

  const removals = await asWorkspace(database.app, number.workspaceId, (tx) =>
    selectRemovalsSince(tx, number.workspaceId, new Map([[left, "1"]])),
  );
  expect(removals).toEqual([{ messageId: id, nowIn: expect.not.stringMatching(left) }]);
  expect(
    await asWorkspace(database.app, randomUUID(), (tx) =>
      selectRemovalsSince(tx, number.workspaceId, new Map([[left, "0"]])),
    ),
  ).toEqual([]);
});
