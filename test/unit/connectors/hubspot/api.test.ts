import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import nock from "nock";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { hubspotApi } from "#connectors/hubspot/api.ts";
import { isOutcomeUnknown } from "#connectors/hubspot/errors.ts";
import { Failure } from "#core/kit/failure.ts";
import { testContext } from "./context.ts";

const http = { baseUrl: "https://hubspot.test", timeoutMs: 200 };
const app = { clientId: "id", clientSecret: "very-secret" };
const api = hubspotApi(http, app);
const request = { method: "POST", path: "/crm/objects/2026-09/contacts", body: { properties: {} } } as const;

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

/** A HubSpot on a port of its own. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`Expected a Failure, got ${error}`);
  return error;
}

test("a call without an answer in time is aborted, and a Failure with an unknown outcome", async () => {
  nock.enableNetConnect("127.0.0.1");
  const { promise: aborted, resolve: abort } = Promise.withResolvers<string>();
  const url = await serve((call) => call.on("close", () => abort("aborted")));

  const failure = await failureOf(hubspotApi({ baseUrl: url, timeoutMs: 200 }, app).call(testContext(), request));

  expect(failure.code).toBe("http.timeout");
  expect(failure.message).toBe(`POST ${url}/crm/objects/2026-09/contacts gave no answer within 200 ms.`);
  expect(isOutcomeUnknown(failure)).toBe(true);
  expect(await aborted).toBe("aborted");
});

test("an answer without end is cut off at the limit, with an unknown outcome", async () => {
  nock.enableNetConnect("127.0.0.1");
  let written = 0;
  const url = await serve((_, response) => {
    const chunk = Buffer.alloc(1_000_000, "x");
    const more = () => {
      while (!response.destroyed && response.write(chunk)) written += chunk.length;
    };
    response.on("drain", more);
    more();
  });

  const failure = await failureOf(hubspotApi({ baseUrl: url, timeoutMs: 20_000 }, app).call(testContext(), request));

  expect(failure.code).toBe("http.too_large");
  expect(isOutcomeUnknown(failure)).toBe(true);
  expect(written).toBeLessThan(40_000_000);
});

test("a connection that is cut has an unknown outcome, one that was refused has not", async () => {
  nock(http.baseUrl)
    .post(request.path)
    .replyWithError(Object.assign(new Error("cut"), { code: "ECONNRESET" }));
  const cut = await failureOf(api.call(testContext(), request));
  nock(http.baseUrl)
    .post(request.path)
    .replyWithError(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
  const refused = await failureOf(api.call(testContext(), request));

  expect([cut.code, refused.code]).toEqual(["http.lost", "http.unreachable"]);
  expect([isOutcomeUnknown(cut), isOutcomeUnknown(refused)]).toEqual([true, false]);
});

test("a 500 has an unknown outcome, even when a proxy answers it with a page", async () => {
  nock(http.baseUrl).post(request.path).reply(502, "<html>bad gateway</html>");

  const failure = await failureOf(api.call(testContext(), request));

  expect(failure.code).toBe("hubspot.server_error");
  expect(isOutcomeUnknown(failure)).toBe(true);
});

test.each([
  [{ policyName: "TEN_SECONDLY_ROLLING" }, {}, 10_000],
  [{ policyName: "SECONDLY" }, {}, 1_000],
  [{ policyName: "DAILY" }, {}, 3_600_000],
  [{ policyName: "DAILY" }, { "retry-after": "10800" }, 10_800_000],
])("a 429 %j pauses everybody who calls for this account", async (body, headers, ms) => {
  nock(http.baseUrl)
    .post(request.path)
    .reply(429, { status: "error", message: "limit", ...body }, headers);
  const context = testContext();

  const failure = await failureOf(api.call(context, request));

  expect(context.paused).toEqual([{ name: "calls", ms }]);
  expect(failure).toMatchObject({ kind: "throttled", next: { retry: "after", afterMs: ms, scope: "install" } });
  expect(failure.message).toContain(`for install ins_42: it has had too many calls (${body.policyName})`);
  expect(isOutcomeUnknown(failure)).toBe(false);
});

test("a 477 waits as long as HubSpot says, a 423 two seconds", async () => {
  nock(http.baseUrl).post(request.path).reply(477, {}, { "retry-after": "7200" });
  const migrating = await failureOf(api.call(testContext(), request));
  nock(http.baseUrl).post(request.path).reply(423, {});
  const locked = await failureOf(api.call(testContext(), request));

  expect(migrating.next).toEqual({ retry: "after", afterMs: 7_200_000, scope: "install" });
  expect(locked.next).toEqual({ retry: "after", afterMs: 2_000 });
});

test("a rejected token is renewed once and the call repeated; a second 401 is a Failure", async () => {
  nock(http.baseUrl).post(request.path).reply(401, {});
  nock(http.baseUrl).post("/oauth/2026-09/token").reply(200, { access_token: "new", expires_in: 1800 });
  nock(http.baseUrl, { reqheaders: { authorization: "Bearer new" } })
    .post(request.path)
    .reply(401, {});
  const context = testContext();

  const failure = await failureOf(api.call(context, request));

  expect(failure.code).toBe("hubspot.unauthorized");
  expect(context.stored).toEqual({
    accessToken: "new",
    refreshToken: "refresh",
    expiresAt: new Date("2026-11-22T10:30:00Z"),
  });
  expect(nock.isDone()).toBe(true);
});

test("a token near its end is renewed before the call, with the app's secret in a form", async () => {
  const form = "grant_type=refresh_token&client_id=id&client_secret=very-secret&refresh_token=refresh";
  nock(http.baseUrl)
    .post("/oauth/2026-09/token", form)
    .reply(200, { access_token: "new", refresh_token: "rotated", expires_in: 1800 });
  nock(http.baseUrl, { reqheaders: { authorization: "Bearer new" } })
    .post(request.path)
    .reply(201, { id: "1" });
  const context = testContext({ expiresAt: new Date("2026-11-22T10:05:00Z") });

  const { status } = await api.call(context, request);

  expect(status).toBe(201);
  expect(context.stored.refreshToken).toBe("rotated");
});

test.each([
  [{ error: "invalid_grant", status: "BAD_REFRESH_TOKEN" }, "crm.disconnected", { retry: "never", scope: "install" }],
  [{ status: "BAD_HUB" }, "crm.disconnected", { retry: "never", scope: "install" }],
  [{ error: "invalid_client" }, "hubspot.oauth_configuration", { retry: "after", afterMs: 300_000, scope: "install" }],
])("a refused refresh %j is told apart: the customer left, or our own settings are wrong", async (body, code, next) => {
  nock(http.baseUrl).post("/oauth/2026-09/token").reply(400, body);

  const failure = await failureOf(api.call(testContext({ expiresAt: new Date(0) }), request));

  expect(failure).toMatchObject({ code, next });
  expect(failure.message).not.toContain("very-secret");
});

test("what HubSpot repeats of a rejected value reaches no message: it may be a phone number", async () => {
  nock(http.baseUrl)
    .post(request.path)
    .reply(400, {
      category: "VALIDATION_ERROR",
      message: "Property values were not valid: +919876543210 is bad",
      correlationId: "c-1",
      errors: [{ message: "+919876543210 is bad", code: "INVALID_PHONE" }],
    });

  const failure = await failureOf(api.call(testContext(), request));

  expect(failure.message).toBe(
    "HubSpot answered 400 to POST /crm/objects/2026-09/contacts for install ins_42: it does not accept the request (VALIDATION_ERROR, INVALID_PHONE, correlation c-1).",
  );
});
