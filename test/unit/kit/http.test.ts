import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import nock from "nock";
import { afterEach, expect, test } from "vitest";
import { fetchWithin, isOutcomeUnknown } from "#core/kit/http.ts";

const closing: (() => void)[] = [];
const limits = { timeoutMs: 2_000, responseBytesMax: 1_000 };

afterEach(() => {
  nock.cleanAll();
  for (const close of closing.splice(0)) close();
});

test("an address that nobody listens on is unreachable, and nothing was sent", async () => {
  const url = await serve(() => {});
  for (const close of closing.splice(0)) close();

  const error = await fetchWithin(`${url}/send?access_token=geheim`, limits).catch((thrown) => thrown);

  expect(error).toMatchObject({ kind: "unavailable", code: "http.unreachable", next: { retry: "later" } });
  expect(error.message).toBe(`GET ${url}/send could not be reached (ECONNREFUSED).`);
  expect(isOutcomeUnknown(error)).toBe(false);
});

test("no answer in time is a time-out, and the outcome is unknown", async () => {
  const url = await serve(() => {});

  const error = await fetchWithin(url, { ...limits, method: "POST", timeoutMs: 50 }).catch((thrown) => thrown);

  expect(error.code).toBe("http.timeout");
  expect(error.message).toBe(`POST ${url}/ gave no answer within 50 ms.`);
  expect(isOutcomeUnknown(error)).toBe(true);
});

test("a body that stops in its middle is a time-out, too", async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half");
  });

  await expect(fetchWithin(url, { ...limits, timeoutMs: 50 })).rejects.toMatchObject({ code: "http.timeout" });
});

test("a connection that breaks before the answer leaves the outcome unknown", async () => {
  const url = await serve((request) => request.socket.destroy());

  const error = await fetchWithin(url, { ...limits, method: "POST", body: "{}" }).catch((thrown) => thrown);

  expect(error.code).toBe("http.lost");
  expect(isOutcomeUnknown(error)).toBe(true);
});

test.each([
  ["EHOSTUNREACH", "connect", "http.unreachable"],
  ["ENETUNREACH", "connect", "http.unreachable"],
  ["EHOSTUNREACH", "read", "http.lost"],
  ["ENETUNREACH", "write", "http.lost"],
  ["EHOSTUNREACH", undefined, "http.lost"],
  ["ECONNRESET", "read", "http.lost"],
])("%s while the system tried to %s is %s", async (code, syscall, expected) => {
  nock("http://far.example")
    .post("/")
    .replyWithError(Object.assign(new Error("route"), { code, syscall }));

  const error = await fetchWithin("http://far.example/", { ...limits, method: "POST" }).catch((thrown) => thrown);

  expect(error.code).toBe(expected);
  expect(isOutcomeUnknown(error)).toBe(expected === "http.lost");
});

test("of several addresses, none of which can be connected to, the first says why", async () => {
  const refused = Object.assign(new Error("route"), { code: "EHOSTUNREACH", syscall: "connect" });
  const all = Object.assign(new AggregateError([refused, refused]), { code: "EHOSTUNREACH" });
  nock("http://far.example").get("/").replyWithError(all);

  await expect(fetchWithin("http://far.example/", limits)).rejects.toMatchObject({ code: "http.unreachable" });
});

test("an answer that is too large is cut off while it streams", async () => {
  const url = await serve((_, response) => {
    const write = () => response.write("x".repeat(500), () => !response.destroyed && setImmediate(write));
    write();
  });

  await expect(fetchWithin(url, limits)).rejects.toThrow(`GET ${url}/ answered more than 1000 bytes.`);
});

test("a caller that cancels is told so", async () => {
  const url = await serve(() => {});
  const caller = new AbortController();

  const answer = fetchWithin(url, { ...limits, signal: caller.signal });
  caller.abort();

  await expect(answer).rejects.toMatchObject({ code: "http.cancelled" });
});

test("every HTTP status is an answer, with its headers and text; a redirect is not followed", async () => {
  const url = await serve((request, response) => {
    response.writeHead(request.url === "/moved" ? 302 : 503, { "retry-after": "7", location: "https://example.com" });
    response.end("später");
  });

  const busy = await fetchWithin(url, limits);
  const moved = await fetchWithin(`${url}/moved`, limits);

  expect(busy).toMatchObject({ status: 503, body: "später" });
  expect(busy.headers.get("retry-after")).toBe("7");
  expect(moved.status).toBe(302);
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
