import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { verifyHubSignature } from "#core/kit/signature.ts";
import type { Behaviour } from "#test/sandbox/meta/behaviour.ts";
import { latencySampler, seededRandom } from "#test/sandbox/meta/latency.ts";
import { PairRate, SlidingSecond } from "#test/sandbox/meta/limits.ts";
import { startMetaSimulator } from "#test/sandbox/meta/simulator.ts";
import { until } from "#test/support/until.ts";

const number = { wabaId: "364", phoneNumberId: "527", displayPhone: "919900011223", token: "t" };
const asha = { phone: "919845000117", bsuid: "IN.2081978700112233", name: "Asha क" };

interface Status {
  id: string;
  status: string;
  biz_opaque_callback_data?: string;
  pricing?: unknown;
  errors?: { code: number }[];
}

/** A simulated Meta and an app that hears its webhooks; the app answers with the given HTTP statuses first, then 200. */
async function metaAndApp(
  over: { answers?: number[]; behaviour?: Behaviour; latency?: { p50Ms: number; p99Ms: number } } = {},
) {
  const { answers = [], behaviour = {}, latency = { p50Ms: 1, p99Ms: 1 } } = over;
  const meta = await startMetaSimulator({ appSecret: "s", latency, statusGapMs: 5 });
  const heard: { bytes: Buffer; signature: string | undefined }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    heard.push({ bytes: Buffer.concat(chunks), signature: request.headers["x-hub-signature-256"] as string });
    response.writeHead(answers.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await meta.close();
    server.close();
  });
  meta.addNumber(number);
  meta.subscribe(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  meta.behave(behaviour);
  const values = () => heard.map(({ bytes }) => JSON.parse(bytes.toString()).entry[0].changes[0].value);
  const statuses = (): Status[] => values().flatMap((value) => value.statuses ?? []);
  return { meta, heard, values, statuses, send: (over: object = {}, token = "t") => send(meta.url, over, token) };
}

async function send(url: string, over: object, token: string) {
  const body = { messaging_product: "whatsapp", to: "+919845000117", type: "text", text: { body: "Hi" }, ...over };
  const response = await fetch(`${url}/v25.0/527/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer of Graph
  return { status: response.status, body: (await response.json()) as any };
}

describe("Graph refuses", () => {
  test("a wrong token, a body it does not know, and what it was told to refuse", async () => {
    const { meta, send } = await metaAndApp();

    expect((await send({}, "other")).body.error.code).toBe(190);
    expect((await send({ text: { body: "" } })).body.error.code).toBe(131009);
    meta.behave({ refuse: { code: 131042 } });
    expect((await send()).body.error.code).toBe(131042);
    expect((await send()).status).toBe(200);
  });

  test("more than 80 messages in a sliding second, with what came in counted too", () => {
    const second = new SlidingSecond(80);
    for (let index = 0; index < 80; index++) second.note(index * 10);

    expect(second.isFull(999)).toBe(true);
    expect(second.isFull(1_001)).toBe(false);
  });

  test("the 46th message to one person, until 6 s later", () => {
    const pairs = new PairRate();
    const allowed = Array.from({ length: 46 }, () => pairs.take("a", 0));

    expect(allowed.filter(Boolean)).toHaveLength(45);
    expect(pairs.take("a", 5_999)).toBe(false);
    expect(pairs.take("a", 12_000)).toBe(true);
    expect(pairs.take("b", 0)).toBe(true);
  });
});

describe("webhooks", () => {
  test("are signed over their bytes, which are ASCII", async () => {
    const { meta, heard, values } = await metaAndApp();

    meta.inbound({ phoneNumberId: "527", from: asha, text: "नमस्ते 👋" });
    await until(() => heard.length === 1);

    const { bytes, signature } = heard[0] as (typeof heard)[number];
    expect(verifyHubSignature(signature, bytes, ["s"])).toBe(true);
    expect(bytes.every((byte) => byte < 128)).toBe(true);
    expect(values()[0].messages[0].text.body).toBe("नमस्ते 👋");
  });

  test("come again, with the same bytes, until they are answered 200", async () => {
    const { meta, heard } = await metaAndApp({ answers: [503, 500] });

    meta.inbound({ phoneNumberId: "527", from: asha, text: "Hi" });
    await until(() => heard.length === 3);

    expect(new Set(heard.map(({ bytes }) => bytes.toString())).size).toBe(1);
  });

  test("tell sent, delivered and read of a message, with our data and the price once each on sent and delivered", async () => {
    const { meta, statuses, send } = await metaAndApp();
    meta.inbound({ phoneNumberId: "527", from: asha, text: "Hi" });

    await send({ biz_opaque_callback_data: "tv1:x" });
    await until(() => statuses().length === 3);

    const price = { billable: false, pricing_model: "PMP", type: "free_customer_service", category: "service" };
    expect(statuses().map(({ status, pricing }) => [status, pricing])).toEqual([
      ["sent", price],
      ["delivered", price],
      ["read", undefined],
    ]);
    expect(statuses().every((status) => status.biz_opaque_callback_data === "tv1:x")).toBe(true);
  });

  test("tell read before sent and everything twice when told to", async () => {
    const { meta, statuses, send } = await metaAndApp({ behaviour: { reverseStatuses: true, statusCopies: 2 } });
    meta.inbound({ phoneNumberId: "527", from: asha, text: "Hi" });

    await send();
    await until(() => statuses().length === 6);

    expect(statuses()[0]?.status).toBe("read");
  });

  test("tell that a message outside the window failed, although Graph took it", async () => {
    const { statuses, send } = await metaAndApp();

    expect((await send()).status).toBe(200);
    await until(() => statuses().length === 1);

    expect(statuses()).toMatchObject([{ status: "failed", errors: [{ code: 131047 }] }]);
  });

  test("still tell of a message whose answer was lost, and the same body twice is two messages", async () => {
    const { meta, statuses, send } = await metaAndApp({ behaviour: { dropAnswerAfterWork: 1, statuses: ["sent"] } });
    meta.inbound({ phoneNumberId: "527", from: asha, text: "Hi" });

    await expect(send()).rejects.toThrow();
    await send();
    await until(() => statuses().length === 2);

    expect(new Set(statuses().map(({ id }) => id)).size).toBe(2);
  });
});

test("131000 after the work is an error of Graph, and the message exists nevertheless", async () => {
  const { meta, statuses, send } = await metaAndApp({ behaviour: { answer131000AfterWork: 1, statuses: ["sent"] } });
  meta.inbound({ phoneNumberId: "527", from: asha, text: "Hi" });

  const { status, body } = await send({ biz_opaque_callback_data: "tv1:x" });
  await until(() => statuses().length === 1);

  expect([status, body.error.code]).toEqual([500, 131000]);
  expect(statuses()).toMatchObject([{ status: "sent", biz_opaque_callback_data: "tv1:x" }]);
});

test("webhooks are on their way as long as answers are", async () => {
  const { meta, heard } = await metaAndApp({ latency: { p50Ms: 300, p99Ms: 300 } });
  const beganMs = performance.now();

  meta.inbound({ phoneNumberId: "527", from: asha, text: "Hi" });
  await until(() => heard.length === 1);

  expect(performance.now() - beganMs).toBeGreaterThan(290);
});

test("from the 1,001st delivered service message of a month on, each is charged", async () => {
  const { meta } = await metaAndApp();
  const simulated = meta.world.numbers.get("527");
  if (simulated) simulated.deliveredThisMonth = 1_000;

  expect(simulated && meta.world.pricing(simulated)).toMatchObject({ billable: true, type: "regular" });
});

test("latency is as slow as it says: p50 150 ms, p99 1 s", () => {
  const sample = latencySampler({ p50Ms: 150, p99Ms: 1_000 }, seededRandom(1));
  const sorted = Array.from({ length: 20_000 }, sample).sort((a, b) => a - b);

  expect(sorted[10_000]).toBeGreaterThan(140);
  expect(sorted[10_000]).toBeLessThan(160);
  expect(sorted[19_800]).toBeGreaterThan(850);
  expect(sorted[19_800]).toBeLessThan(1_150);
});
