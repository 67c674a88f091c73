import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { acquireLeases } from "#core/store/leases.ts";
import { freshDatabase } from "#test/support/database.ts";
import { minuteMs, outbox } from "#test/support/outbox.ts";
import { until } from "#test/support/until.ts";

const database = await freshDatabase();
const { senders, start, newConversation, claimAs, queue, sendOf, stateOf, callsOf, messagesOf } =
  await outbox(database);

/** An address where nobody listens any more. */
async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
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
    [999_999, "other"],
  ])("when Meta answers %i: %s", async (code, words) => {
    const at = await newConversation({ refuse: { code, httpStatus: 400 } });
    const sendId = await queue(at);

    start();
    await until(async () => (await stateOf(sendId)) === "refused");

    expect(await sendOf(sendId)).toMatchObject({ refusal: { code: words, metaCode: code } });
    expect(callsOf(at)).toHaveLength(1);
  });
});

test("a sender that lost its lease claims nothing", async () => {
  const at = await newConversation();
  await queue(at);
  await acquireLeases(database.worker, [`send:${at.numberId}`], "another", minuteMs);

  expect(await claimAs("late", at)).toBeUndefined();
});
