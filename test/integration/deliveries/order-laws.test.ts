import fc from "fast-check";
import { expect, test } from "vitest";
import { applyReceived, connectNumber } from "#test/support/apply.ts";
import { canonicalStore } from "#test/support/canonical-store.ts";
import { freshDatabase } from "#test/support/database.ts";
import { delivery, echoTo, historyOf, inbound, price, statusOf, textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const t = 1_795_000_000;

const asha = { phone: "919845000117", bsuid: "IN.111" };
/** The same phone later, with another BSUID and no word of Meta that it is the same human: a recycled number. */
const stranger = { phone: "919845000117", bsuid: "IN.222" };
const ashaByPhone = { phone: "919845000117" };

/** Everything that can be said of one conversation, each thing once. */
const conversation = [
  textFrom(ashaByPhone, "m0", t - 90_000, "Before BSUIDs"),
  textFrom({ ...asha, name: "Asha" }, "m1", t, "Is the flat free?"),
  textFrom({ ...asha, name: "Asha M" }, "m2", t + 60, "Hello?"),
  inbound(asha, "e1", t + 70, {
    type: "edit",
    edit: { original_message_id: "m2", message: { type: "text", text: { body: "Hello!" } } },
  }),
  inbound(asha, "e2", t + 80, {
    type: "edit",
    edit: { original_message_id: "m2", message: { type: "text", text: { body: "Hello!!" } } },
  }),
  inbound(asha, "r1", t + 90, { type: "revoke", revoke: { original_message_id: "m1" } }),
  inbound(asha, "x1", t + 95, { type: "reaction", reaction: { message_id: "o1", emoji: "👍" } }),
  inbound(asha, "x2", t + 99, { type: "reaction", reaction: { message_id: "o1" } }),
  echoTo(asha, "o1", t + 92, { type: "text", text: { body: "Yes, come on Saturday" } }),
  echoTo(ashaByPhone, "o2", t + 93, { type: "image", image: { id: "media", mime_type: "image/jpeg" } }),
  echoTo(asha, "oe", t + 97, {
    type: "edit",
    edit: { original_message_id: "o1", message: { type: "text", text: { body: "Sunday" } } },
  }),
  statusOf("o1", "sent", t + 93, price, asha),
  statusOf("o1", "delivered", t + 94, price, asha),
  statusOf("o1", "read", t + 96, {}, asha),
  statusOf("o3", "failed", t + 98, { errors: [{ code: 131049, title: "no" }] }, ashaByPhone),
  statusOf("o3", "sent", t + 97, price, asha),
  historyOf(asha.phone, [
    {
      from: asha.phone,
      id: "h1",
      timestamp: String(t - 500_000),
      type: "text",
      text: { body: "Old" },
      history_context: { status: "READ" },
    },
    {
      from: "919900011223",
      to: asha.phone,
      id: "h2",
      timestamp: String(t - 499_000),
      type: "media_placeholder",
      history_context: { status: "PLAYED" },
    },
    {
      from: asha.phone,
      id: "m1",
      timestamp: String(t),
      type: "text",
      text: { body: "Is the flat free?" },
      history_context: { status: "READ" },
    },
  ]),
  delivery("history", {
    contacts: [{ wa_id: asha.phone, user_id: asha.bsuid }],
    message_echoes: [
      {
        from: "919900011223",
        to: asha.phone,
        id: "h2",
        timestamp: String(t - 498_000),
        type: "image",
        image: { id: "late" },
      },
    ],
  }),
  historyOf(
    asha.phone,
    [
      {
        from: asha.phone,
        id: "h3",
        timestamp: String(t - 400_000),
        type: "media_placeholder",
        history_context: { status: "READ" },
      },
    ],
    {
      phase: 0,
      chunk_order: 2,
      progress: 100,
    },
  ),
  delivery("history", {
    contacts: [{ wa_id: asha.phone, user_id: asha.bsuid }],
    messages: [
      {
        from: asha.phone,
        id: "h3",
        timestamp: String(t - 400_000),
        type: "image",
        image: { id: "gone", caption: "x" },
      },
    ],
  }),
  inbound(asha, "r3", t + 91, { type: "revoke", revoke: { original_message_id: "h3" } }),
  textFrom(stranger, "s1", t + 86_400, "Who is this?"),
  echoTo(ashaByPhone, "s2", t + 90_000, { type: "text", text: { body: "To whoever has the phone now" } }),
  delivery("user_preferences", {
    contacts: [{ user_id: asha.bsuid }],
    user_preferences: [{ user_id: asha.bsuid, category: "marketing_messages", value: "stop", timestamp: t + 100 }],
  }),
  delivery("user_id_update", {
    user_id_update: [
      { wa_id: "919845000999", user_id: { previous: asha.bsuid, current: "IN.333" }, timestamp: String(t + 50_000) },
    ],
  }),
  inbound({ phone: "919811100000" }, "c1", t + 10, {
    type: "system",
    system: {
      type: "user_changed_number",
      wa_id: "919811100001",
      body: "User A changed from 919811100000 to 919811100001",
    },
  }),
  // By phone alone, about and by whoever held the recycled phone then.
  stopByPhone("stop", t + 3_000),
  stopByPhone("resume", t + 86_500),
  inbound(ashaByPhone, "x3", t + 4_000, { type: "reaction", reaction: { message_id: "o2", emoji: "❤️" } }),
  inbound(ashaByPhone, "x4", t + 86_600, { type: "reaction", reaction: { message_id: "o2", emoji: "😮" } }),
  // The phone that somebody moves away from has had two holders itself.
  inbound(ashaByPhone, "c4", t + 87_000, {
    type: "system",
    system: { type: "user_changed_number", wa_id: "919811100009", body: "x" },
  }),
  textFrom({ phone: "919811100009" }, "c5", t + 88_000, "From the new phone"),
  // A time that nobody can read, delivered twice an hour apart; two reasons for one failure; a v4 with an echo's twin.
  inbound(asha, "b1", t, { timestamp: "soon", type: "text", text: { body: "When?" } }),
  inbound(asha, "b1", t, { timestamp: "soon", type: "text", text: { body: "When?" } }),
  statusOf("o4", "failed", t + 5, { errors: [{ code: 131049 }] }),
  statusOf("o4", "failed", t + 6, { errors: [{ code: 131026 }] }),
  textFrom({ phone: "919811100001" }, "c2", t + 20, "New number"),
  textFrom({ phone: "919811100000" }, "c3", t - 20, "Old number"),
];

function stopByPhone(value: string, timestamp: number) {
  return delivery("user_preferences", {
    user_preferences: [{ wa_id: asha.phone, category: "marketing_messages", value, timestamp }],
  });
}

/** When Meta brought each of them; repeated, it was received then all the same. */
function receivedAtOf(at: number): Date {
  return new Date(Date.UTC(2026, 10, 21, 12, at));
}

/** Any order, some of it twice or more, cut into batches anywhere. */
const disorder = fc
  .tuple(
    fc.shuffledSubarray([...conversation.keys()], { minLength: conversation.length }),
    fc.array(fc.nat(conversation.length - 1), { maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
  )
  .map(([order, again, sizes]) => {
    const all = again.reduce((list, one, at) => list.toSpliced((one * 7 + at) % list.length, 0, one), order);
    const batches: number[][] = [];
    for (let at = 0, turn = 0; at < all.length; turn++) {
      const size = sizes[turn % sizes.length] as number;
      batches.push(all.slice(at, at + size));
      at += size;
    }
    return batches;
  });

async function storeAfter(batches: readonly (readonly number[])[]): Promise<Record<string, unknown[]>> {
  const number = await connectNumber(database);
  for (const batch of batches)
    await applyReceived(
      database,
      number,
      batch.map((at) => ({ payload: conversation[at], receivedAt: receivedAtOf(at) })),
    );
  return canonicalStore(database, number.workspaceId);
}

test("any permutation, repetition and batching of a conversation's deliveries gives the same store", async () => {
  const expected = await storeAfter([[...conversation.keys()]]);
  expect(expected["messages"]?.length).toBe(18);

  await fc.assert(
    fc.asyncProperty(disorder, async (batches) => {
      expect(await storeAfter(batches)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
}, 120_000);
