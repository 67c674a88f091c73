import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import nock from "nock";
import { afterEach, describe, expect, test } from "vitest";
import { errorTable, meaningOf, wasCertainlyNotTaken } from "#core/whatsapp/errors.ts";
import { graphErrorOf } from "#core/whatsapp/graph.ts";
import { sendText, textBody } from "#core/whatsapp/send-message.ts";

const graph = { baseUrl: "https://graph.example", version: "v25.0" };
const from = { phoneNumberId: "527", token: "secret-token" };
const message = { sendId: "5f0c", recipient: { phone: "919845000117" }, text: "Yes" };
const edge = () => nock(graph.baseUrl).post("/v25.0/527/messages");

afterEach(() => {
  nock.cleanAll();
});

describe("the outcome of a send is unknown, and a value,", () => {
  test.each<[string, () => unknown]>([
    ["when a proxy answers 502 with a page", () => edge().reply(502, "<html>Bad gateway</html>")],
    ["when Graph's host answers 500 without an error of Graph", () => edge().reply(500, {})],
    ["when Graph says that something went wrong", () => edge().reply(500, { error: { code: 131000 } })],
    ["when Graph says so with 400", () => edge().reply(400, { error: { code: 2 } })],
    ["when Graph answers 503 with a code that is no limit", () => edge().reply(503, { error: { code: 987_654 } })],
    ["when a 200 carries no message id", () => edge().reply(200, { messages: [] })],
    ["when a 200 is cut", () => edge().reply(200, '{"messages":[{"id"')],
    [
      "when the connection is lost",
      () => edge().replyWithError(Object.assign(new Error("reset"), { code: "ECONNRESET" })),
    ],
    ["when a redirect comes back", () => edge().reply(302, "", { location: "https://elsewhere.example" })],
  ])("%s", async (_, reply) => {
    reply();

    expect(await sendText(graph, from, message)).toMatchObject({ outcome: "unknown" });
  });

  test("when the answer was cut off after the request was read", async () => {
    const server = createServer((request) => request.resume().on("end", () => request.socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    expect(await sendText({ ...graph, baseUrl }, from, message)).toMatchObject({ outcome: "unknown" });
    server.close();
  });
});

describe("a refusal is a Failure", () => {
  const error = (code: number) => ({ error: { message: "m", code, error_data: { details: "why" }, fbtrace_id: "T" } });

  test.each([
    [190, 401, "whatsapp.token_invalid", "forbidden"],
    [131047, 400, "whatsapp.window_closed", "invalid"],
    [130429, 429, "whatsapp.throughput_reached", "throttled"],
    [131057, 500, "whatsapp.number_in_maintenance", "throttled"],
    [299, 403, "whatsapp.permission_missing", "forbidden"],
    [987_654, 400, "whatsapp.refused", "invalid"],
  ])("for code %i with status %i: %s", async (code, status, name, kind) => {
    edge().reply(status, error(code));

    const failure = await sendText(graph, from, message).catch((caught: unknown) => caught);

    expect(failure).toMatchObject({ code: name, kind });
    expect(graphErrorOf(failure)).toEqual({ code, details: "why", traceId: "T" });
    expect(String((failure as Error).message)).not.toContain("secret-token");
  });

  test("and so is an address where nobody listens: nothing was sent", async () => {
    edge().replyWithError(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));

    await expect(sendText(graph, from, message)).rejects.toMatchObject({ code: "http.unreachable" });
  });
});

test("an answer gives the wamid and how Meta names the person", async () => {
  edge()
    .matchHeader("authorization", "Bearer secret-token")
    .reply(200, { contacts: [{ wa_id: "91" }], messages: [{ id: "wamid.1" }] });

  expect(await sendText(graph, from, message)).toEqual({
    outcome: "answered",
    value: { wamid: "wamid.1", waId: "91" },
  });
});

test("the body names a phone with its plus, or a BSUID, and carries our id back", () => {
  expect(textBody({ ...message, quotedWamid: "wamid.0" })).toEqual({
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: "+919845000117",
    type: "text",
    text: { body: "Yes" },
    context: { message_id: "wamid.0" },
    biz_opaque_callback_data: "tv1:5f0c",
  });
  expect(textBody({ ...message, recipient: { bsuid: "IN.2081978700112233" } })).toMatchObject({
    recipient: "IN.2081978700112233",
  });
});

describe("the table of errors", () => {
  test("gives every listed code words of its own", () => {
    for (const code of Object.keys(errorTable).map(Number))
      expect(meaningOf(code).words, String(code)).not.toBe("other");
  });

  test("lets a machine repeat only what Meta certainly did not take", () => {
    expect(Object.keys(errorTable).map(Number).filter(wasCertainlyNotTaken)).toEqual([
      4, 80007, 130429, 131056, 131057,
    ]);
  });
});
