import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { apiServer, clientSecret, consoleCookie, publicUrl } from "#test/support/api-server.ts";
import { askAsHubSpot } from "#test/support/as-hubspot.ts";
import { freshDatabase } from "#test/support/database.ts";
import { seedConversation, seedMessage, seedWorkspace } from "#test/support/seed.ts";

const MINUTE_MS = 60_000;
const database = await freshDatabase();
const own = await seedWorkspace(database);
const ours = await seedConversation(database, own);
const foreign = await seedWorkspace(database);
const theirs = await seedConversation(database, foreign);
await seedMessage(database, own.workspaceId, ours.conversationId, { body: "Ours" });
await seedMessage(database, foreign.workspaceId, theirs.conversationId, { body: "Theirs" });

const reply = () => ({ idempotencyKey: randomUUID(), text: "Yes", seenThrough: "v9.99999999" });
const sendCount = async () => (await database.owner.query("select count(*)::int as n from send")).rows[0].n;

/** Every route, with the ids of one conversation. */
const routes = ({ recordId, conversationId }: { recordId: string; conversationId: string }) =>
  [
    [`/v1/records/hubspot/contact/${recordId}/timeline`, undefined],
    [`/v1/records/hubspot/contact/${recordId}/timeline?since=`, undefined],
    [`/v1/records/hubspot/contact/${recordId}/timeline?search=Theirs`, undefined],
    [`/v1/conversations/${conversationId}/replies`, reply()],
    [`/v1/conversations/${conversationId}/read`, { through: new Date().toISOString() }],
  ] as const;

describe("a HubSpot caller is refused", () => {
  const path = `/v1/records/hubspot/contact/${ours.recordId}/timeline`;

  test.each([
    ["with another secret", { secret: "other" }, 0, 401, "hubspot.signature_wrong"],
    ["signed for another address", { publicUrl: "https://other.example" }, 0, 401, "hubspot.signature_wrong"],
    ["signed six minutes ago", {}, 6 * MINUTE_MS, 401, "hubspot.signature_stale"],
    ["of a portal that is not connected", { portalId: "999" }, 0, 403, "hubspot.not_connected"],
    ["whose portal is no number", { portalId: "1 or 1" }, 0, 401, "hubspot.query"],
  ])("%s", async (_, over, ageMs, status, code) => {
    const { url } = await apiServer(database);
    const ask = { url, publicUrl, secret: clientSecret, portalId: own.portalId, ...over };

    const answer = await askAsHubSpot(ask, path, undefined, Date.now() - ageMs);

    expect(answer).toMatchObject({ status, body: { code, title: expect.any(String), action: expect.any(String) } });
  });

  test("that names its portal twice, so that one could be another's", async () => {
    const { url } = await apiServer(database);
    const ask = { url, publicUrl, secret: clientSecret, portalId: own.portalId };

    const answer = await askAsHubSpot(ask, `${path}?portalId=${foreign.portalId}`);

    expect(answer).toMatchObject({ status: 401, body: { code: "hubspot.query" } });
  });

  test("for a record that nobody is linked to, in words with a way out", async () => {
    const { url } = await apiServer(database);
    const ask = { url, publicUrl, secret: clientSecret, portalId: own.portalId };

    const answer = await askAsHubSpot(ask, "/v1/records/hubspot/contact/424242/timeline?language=hi");

    expect(answer).toMatchObject({
      status: 404,
      body: {
        code: "record.not_linked",
        title: "इस रिकॉर्ड की कोई WhatsApp बातचीत नहीं है",
        requestId: expect.any(String),
      },
    });
  });

  test("for records of another CRM", async () => {
    const { url } = await apiServer(database);
    const ask = { url, publicUrl, secret: clientSecret, portalId: own.portalId };

    expect(await askAsHubSpot(ask, "/v1/records/zoho/contact/1/timeline")).toMatchObject({ status: 403 });
  });

  test.each(routes(theirs))("at %s with the ids of another workspace", async (route, body) => {
    const { url } = await apiServer(database);
    const before = await sendCount();

    const answer = await askAsHubSpot({ url, publicUrl, secret: clientSecret, portalId: own.portalId }, route, body);

    expect(answer.status).toBe(404);
    expect(JSON.stringify(answer.body)).not.toContain('Theirs"');
    expect(await sendCount()).toBe(before);
  });

  test("for a conversation of a person without a record in its own workspace", async () => {
    const { url } = await apiServer(database);
    const unlinked = await seedConversation(database, own, { isLinked: false });
    const ask = { url, publicUrl, secret: clientSecret, portalId: own.portalId };

    const answer = await askAsHubSpot(ask, `/v1/conversations/${unlinked.conversationId}/replies`, reply());

    expect(answer).toMatchObject({ status: 404, body: { code: "conversation.missing" } });
  });
});

describe("a console caller", () => {
  const asConsole = async (url: string, cookie: string, path: string, body?: unknown, csrf?: string) => {
    const headers = { cookie, ...(csrf !== undefined && { "x-triveni-csrf": csrf }) };
    const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(url + path, init);
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  const csrfOf = async (url: string, cookie: string) =>
    ((await (await fetch(`${url}/console/session`, { headers: { cookie } })).json()) as { csrf: string }).csrf;

  test.each(routes(ours))("without a session is refused at %s", async (route, body) => {
    const { url } = await apiServer(database);

    expect(await asConsole(url, "triveni_session=aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", route, body)).toMatchObject({
      status: 401,
    });
  });

  test.each(routes(theirs))("is refused at %s with the ids of another workspace", async (route, body) => {
    const { url } = await apiServer(database);
    const cookie = await consoleCookie(database, own.workspaceId);

    expect(await asConsole(url, cookie, route, body, await csrfOf(url, cookie))).toMatchObject({ status: 404 });
  });

  test("changes nothing without the token that only our page knows", async () => {
    const { url } = await apiServer(database);
    const cookie = await consoleCookie(database, own.workspaceId);
    const path = `/v1/conversations/${ours.conversationId}/replies`;
    const before = await sendCount();

    expect(await asConsole(url, cookie, path, reply())).toMatchObject({ status: 403, body: { code: "console.csrf" } });
    expect(await asConsole(url, cookie, path, reply(), "guessed")).toMatchObject({ status: 403 });
    expect(await sendCount()).toBe(before);
  });

  test("reads a record and answers it", async () => {
    const { url, wakes } = await apiServer(database);
    const cookie = await consoleCookie(database, own.workspaceId);
    const page = await asConsole(url, cookie, `/v1/records/hubspot/contact/${ours.recordId}/timeline`);
    const [conversation] = page.body.conversations;

    const body = { ...reply(), seenThrough: conversation.seenThrough };
    const answer = await asConsole(
      url,
      cookie,
      `/v1/conversations/${conversation.id}/replies`,
      body,
      await csrfOf(url, cookie),
    );

    expect(page.body.items).toMatchObject([{ text: "Ours", author: { kind: "customer" } }]);
    expect(answer).toMatchObject({ status: 202, body: { outcome: "queued" } });
    expect(wakes()).toBe(1);
  });
});

describe("hostile requests", () => {
  const ask = async (path: string, body?: unknown) => {
    const { url } = await apiServer(database);
    return askAsHubSpot({ url, publicUrl, secret: clientSecret, portalId: own.portalId }, path, body);
  };
  const timeline = `/v1/records/hubspot/contact/${ours.recordId}/timeline`;
  const replies = `/v1/conversations/${ours.conversationId}/replies`;

  test.each<[string, string, unknown]>([
    ["a limit of a million", `${timeline}?limit=1000000`, undefined],
    ["a cursor of our own making", `${timeline}?before=m.1.x`, undefined],
    ["a version beyond all numbers", `${timeline}?since=${ours.conversationId}:99999999999999999999`, undefined],
    ["a record id with a quote in it", "/v1/records/hubspot/contact/1%27--/timeline", undefined],
    ["an empty reply", replies, { ...reply(), text: "  " }],
    ["a reply of 4,097 characters", replies, { ...reply(), text: "x".repeat(4097) }],
    ["a conversation id that is none", "/v1/conversations/1/replies", reply()],
    ["a body that is no object", replies, "text"],
    ["a key with a NUL in it", replies, { ...reply(), idempotencyKey: "12345678\0" }],
    ["a key with half a character in it", replies, { ...reply(), idempotencyKey: "12345678\ud83d" }],
    ["a search for a NUL", `/v1/records/hubspot/contact/${ours.recordId}/timeline?search=ab%00c`, undefined],
    ["a reply that quotes a NUL", replies, { ...reply(), replyTo: "m1\0" }],
    ["a reply that has seen a NUL", replies, { ...reply(), seenThrough: "v1.1\0" }],
    ["a cursor with a NUL", `/v1/records/hubspot/contact/${ours.recordId}/timeline?since=%00`, undefined],
    ["a quote of a send that is no message", replies, { ...reply(), replyTo: `s${randomUUID()}` }],
  ])("%s is refused as invalid", async (_, path, body) => {
    expect(await ask(path, body)).toMatchObject({ status: 400, body: { title: expect.any(String) } });
  });

  test.each([
    ["NUL", "Ye\0s", "Ye\uFFFDs"],
    ["half a character", "Yes \ud83d", "Yes \uFFFD"],
  ])("a reply with %s in its text is taken, with a sign in its place", async (_, text, stored) => {
    const answer = await ask(replies, { ...reply(), text });

    expect(answer).toMatchObject({ status: 202, body: { outcome: "queued" } });
    const { rows } = await database.owner.query("select body from send where id = $1", [
      (answer.body as { itemId: string }).itemId.slice(1),
    ]);
    expect(rows).toEqual([{ body: stored }]);
  });

  test("an address that does not exist is missing", async () => {
    expect(await ask("/v1/everything")).toMatchObject({ status: 404, body: { code: "route.missing" } });
  });
});
