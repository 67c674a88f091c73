import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { trace } from "#core/commands/trace.ts";
import { systemClock } from "#core/kit/clock.ts";
import { queueReply } from "#core/usecases/messages/queue-reply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { inbound, price, statusOf, textFrom } from "#test/support/payloads.ts";
import { seedConversation, seedWorkspace } from "#test/support/seed.ts";

const database = await freshDatabase();
const { owner } = database;
const business = await seedWorkspace(database);
const { phoneNumberId } = business;
const at = Math.floor(Date.now() / 1000) - 60;
const asha = { phone: "919845000117", bsuid: "IN.42", name: "Asha Menon" };
const secret = "the text of a person";

const traced = (id: string) => trace({ owner, now: new Date() }, id);

async function record(...payloads: unknown[]): Promise<void> {
  await recordDeliveries(
    database,
    payloads.map((payload) => Buffer.from(JSON.stringify(payload))),
  );
}

function ofNumber(payload: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(payload).replaceAll("106540352242922", phoneNumberId));
}

function stepsOf(lines: readonly string[]): string[] {
  return lines.map((line) => (line.startsWith("  ") ? line : (/^(CRM write|\w+)/.exec(line)?.[0] ?? line)));
}

test("a message is followed from its deliveries over its statuses to its charge and its CRM write", async () => {
  await record(
    textFrom(asha, "wamid.one/a=", at, secret, phoneNumberId),
    ofNumber(statusOf("wamid.one/a=", "delivered", at + 1, price)),
    inbound(
      asha,
      "wamid.edit",
      at + 2,
      {
        type: "edit",
        edit: { original_message_id: "wamid.one/a=", message: { type: "text", text: { body: secret } } },
      },
      phoneNumberId,
    ),
    inbound(
      asha,
      "wamid.heart",
      at + 3,
      { type: "reaction", reaction: { message_id: "wamid.one/a=", emoji: "👍" } },
      phoneNumberId,
    ),
    textFrom(asha, "wamid.other", at, "not asked for", phoneNumberId),
  );
  await drain(database);

  const { isFound, lines } = await traced("wamid.one/a=");

  expect(isFound).toBe(true);
  expect(stepsOf(lines)).toEqual([
    ...Array.from({ length: 4 }, () => ["delivery", "  change 0 (messages): applied"]).flat(),
    ...["message", "status", "charge", "edit", "reaction", "CRM write"],
  ]);
  const text = lines.join("\n");
  expect(text).toContain(`workspace ${business.workspaceId}`);
  expect(text).toContain(`occurred at ${new Date((at + 1) * 1000).toISOString()}, category utility, pricing regular`);
  expect(text).toContain("crm hubspot");
  for (const personal of [secret, asha.phone, asha.name, "👍"]) expect(text).not.toContain(personal);
});

test("an edit's wamid leads to the message that it edited", async () => {
  const { lines } = await traced("wamid.edit");

  expect(lines.find((line) => line.startsWith("message"))).toContain("wamid wamid.one/a=");
});

test("a wamid whose slash Meta escaped is found", async () => {
  const body = JSON.stringify(textFrom(asha, "wamid.b/c", at, secret, phoneNumberId)).replaceAll("/", "\\/");
  await recordDeliveries(database, [Buffer.from(body)]);
  await drain(database);

  expect(stepsOf((await traced("wamid.b/c")).lines)).toContain("delivery");
});

test("a delivery that is not applied says where it is: unrouted, parked with its reason, or kept for an unknown number", async () => {
  await record(textFrom(asha, "wamid.waits", at, secret, phoneNumberId));
  expect((await traced("wamid.waits")).lines[1]).toBe("  change 0 (messages): not routed yet");

  await owner.query("alter table message add constraint no_wait check (wamid <> 'wamid.waits')");
  await record(textFrom(asha, "wamid.nowhere", at, secret, "9990009990009"));
  await drain(database);
  await owner.query("alter table message drop constraint no_wait");

  expect((await traced("wamid.waits")).lines[1]).toMatch(
    /^ {2}change 0 \(messages\): parked \(refused: \S+ message no_wait\) since /,
  );
  expect((await traced("wamid.nowhere")).lines[1]).toMatch(
    /^ {2}change 0 \(messages\): kept for an unknown number 9990009990009 since /,
  );
});

test("a request id leads to its audit entry and to the send that it made", async () => {
  const { conversationId } = await seedConversation(database, business);
  const requestId = randomUUID();
  const outcome = await queueReply(
    { app: database.app, clock: systemClock },
    {
      workspaceId: business.workspaceId,
      conversationId,
      agent: "hubspot:1",
      idempotencyKey: randomUUID(),
      text: secret,
      seen: { version: "0", messageId: "0" },
      requestId,
    },
  );

  const { lines } = await traced(requestId);

  expect(stepsOf(lines)).toEqual(["audit", "send"]);
  expect(lines[0]).toContain("actor hubspot:1, action reply.queued");
  expect(lines[1]).toContain("sendId" in outcome ? `id ${outcome.sendId}, state queued` : "a queued send");
  expect(lines.join()).not.toContain(secret);
});

test("what nobody knows is said plainly, with where was looked", async () => {
  const { isFound, lines } = await traced("wamid.never");

  expect(isFound).toBe(false);
  expect(lines).toEqual([
    expect.stringMatching(/^Nothing is known of wamid\.never: no message, .* no delivery since /),
  ]);
});
