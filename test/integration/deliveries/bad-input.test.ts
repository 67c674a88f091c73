import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { freshDatabase } from "#test/support/database.ts";
import { textFrom } from "#test/support/payloads.ts";
import {
  headOf,
  overTheWire,
  secrets,
  signatureOf,
  startWebhookStage,
  verifyToken,
  type WebhookStage,
} from "./webhook-stage.ts";

const database = await freshDatabase();
const stage = await startWebhookStage(database);
const closed = await startWebhookStage(database, []);
const half = await startWebhookStage(database, ["", secrets[0]]);

const body = JSON.stringify(textFrom({ phone: "919900000001", bsuid: "IN.1" }, "wamid.bad", 1_795_000_000, "hello"));
const tooLong = Buffer.alloc(3 * 1024 * 1024 + 1, " ");

afterEach(async () => {
  await database.owner.query("delete from delivery");
});

/** Runs `act` and says what it left: the answer, what the counter counted, and what lies in the store. */
async function leftBy(
  { counted, stored }: WebhookStage,
  outcome: string,
  act: () => Promise<{ status: number } | string>,
) {
  const before = await counted(outcome);
  const answer = await act();
  const status = typeof answer === "string" ? Number(answer.split(" ")[1]) : answer.status;
  return { status, counted: (await counted(outcome)) - before, stored: (await stored()).length };
}

test("a delivery without a signature is refused and counted, and nothing is stored", async () => {
  const left = await leftBy(stage, "unsigned", () => stage.post(body, { "x-hub-signature-256": undefined }));

  expect(left).toEqual({ status: 401, counted: 1, stored: 0 });
});

test.for([
  ["of another secret", signatureOf(body, "a stranger's secret")],
  ["of other bytes", signatureOf(`${body} `)],
  ["that is cut short", signatureOf(body).slice(0, -2)],
  ["of the older kind", signatureOf(body).replace("sha256=", "sha1=")],
  ["that is no hexadecimal", `sha256=${"z".repeat(64)}`],
  ["that comes twice", `${signatureOf(body)}, ${signatureOf(body)}`],
])("a signature %s is refused and counted, and nothing is stored", async ([, signature]) => {
  const left = await leftBy(stage, "wrong-signature", () => stage.post(body, { "x-hub-signature-256": signature }));

  expect(left).toEqual({ status: 401, counted: 1, stored: 0 });
});

test("without an app secret even what is signed with the empty secret is refused", async () => {
  const left = await leftBy(closed, "no-secret", () =>
    closed.post(body, { "x-hub-signature-256": signatureOf(body, "") }),
  );

  expect(left).toEqual({ status: 401, counted: 1, stored: 0 });
});

test("an empty secret beside a good one closes the door for both", async () => {
  const left = await leftBy(half, "no-secret", () => half.post(body, { "x-hub-signature-256": signatureOf(body, "") }));

  expect(left).toEqual({ status: 401, counted: 1, stored: 0 });
});

test("a body announced as larger than 3 MB is refused before it is read", async () => {
  const head = headOf(tooLong);

  const left = await leftBy(stage, "too-large", () => overTheWire(stage.url, [head]));

  expect(left).toEqual({ status: 413, counted: 1, stored: 0 });
});

test("a body that grows beyond 3 MB in chunks is refused, however it is signed", async () => {
  const head = headOf(tooLong, { "content-length": "", "transfer-encoding": "chunked" });
  const chunks = [`${tooLong.length.toString(16)}\r\n`, tooLong, "\r\n0\r\n\r\n"];

  const left = await leftBy(stage, "too-large", () => overTheWire(stage.url, [head, ...chunks]));

  expect(left).toEqual({ status: 413, counted: 1, stored: 0 });
});

test.for([
  ["text/plain", { "content-type": "text/plain" }],
  ["a form", { "content-type": "application/x-www-form-urlencoded" }],
  ["a type that only begins like JSON", { "content-type": "application/jsonp" }],
  ["no type at all", { "content-type": "" }],
] as const)("%s instead of JSON is refused and counted, and nothing is stored", async ([, headers]) => {
  const left = await leftBy(stage, "content-type", () => overTheWire(stage.url, [headOf(body, headers), body]));

  expect(left).toEqual({ status: 415, counted: 1, stored: 0 });
});

test("a compressed body is refused, so that no small body can become a large one", async () => {
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));

  const left = await leftBy(stage, "content-type", () => stage.post(bomb, { "content-encoding": "gzip" }));

  expect(left).toEqual({ status: 415, counted: 1, stored: 0 });
});

test.for([
  ["a wrong token", "hub.mode=subscribe&hub.verify_token=guessed&hub.challenge=1158201444"],
  ["the empty token", "hub.mode=subscribe&hub.verify_token=&hub.challenge=1158201444"],
  ["no token", "hub.mode=subscribe&hub.challenge=1158201444"],
  ["another mode", `hub.mode=unsubscribe&hub.verify_token=${encodeURIComponent(verifyToken)}&hub.challenge=1158201444`],
])("a handshake with %s is refused and tells nothing back", async ([, query]) => {
  const response = await fetch(`${stage.url}/webhooks/meta?${query}`);

  expect(response.status).toBe(403);
  expect(await response.text()).not.toContain("1158201444");
});

test("the challenge of a handshake comes back as text, never as a page", async () => {
  const query = new URLSearchParams({
    "hub.mode": "subscribe",
    "hub.verify_token": verifyToken,
    "hub.challenge": "<script>",
  });

  const response = await fetch(`${stage.url}/webhooks/meta?${query}`);

  expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: "<script>" });
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

test("other methods and neighbouring paths take no delivery", async () => {
  const neighbour = await fetch(`${stage.url}/webhooks/metadata`, {
    method: "POST",
    body,
    headers: { "x-hub-signature-256": signatureOf(body) },
  });
  const put = await fetch(`${stage.url}/webhooks/meta`, {
    method: "PUT",
    body,
    headers: { "x-hub-signature-256": signatureOf(body) },
  });

  expect([neighbour.status, put.status]).toEqual([404, 404]);
  expect(await stage.stored()).toEqual([]);
});

test.for(secrets)("a delivery signed with %s is stored byte for byte before it is answered 200", async (secret) => {
  const left = await leftBy(stage, "accepted", () =>
    stage.post(body, { "x-hub-signature-256": signatureOf(body, secret) }),
  );

  expect(left).toEqual({ status: 200, counted: 1, stored: 1 });
  expect((await stage.stored())[0]?.toString()).toBe(body);
});

test("JSON with a character set named is JSON", async () => {
  const response = await stage.post(body, { "content-type": "application/json; charset=utf-8" });

  expect(response.status).toBe(200);
});
