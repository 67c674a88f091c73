import { describe, expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { makeEntryLink } from "#core/usecases/console-sessions/console-sessions.ts";
import { apiServer, consoleCookie, publicUrl } from "#test/support/api-server.ts";
import { freshDatabase } from "#test/support/database.ts";
import { seedWorkspace } from "#test/support/seed.ts";

const database = await freshDatabase();
const own = await seedWorkspace(database);

describe("signing out", () => {
  test("ends the session for good, for our own page only", async () => {
    const { url } = await apiServer(database);
    const cookie = await consoleCookie(database, own.workspaceId);
    const session = await fetch(`${url}/console/session`, { headers: { cookie } });
    const { csrf } = (await session.json()) as { csrf: string };
    const leave = (headers: Record<string, string>) =>
      fetch(`${url}/console/leave`, { method: "POST", headers: { cookie, ...headers } });

    expect((await leave({})).status).toBe(403);
    const left = await leave({ "x-triveni-csrf": csrf });

    expect(left.status).toBe(204);
    expect(left.headers.get("set-cookie")).toMatch(/^triveni_session=; .*Expires=Thu, 01 Jan 1970/);
    expect((await fetch(`${url}/console/session`, { headers: { cookie } })).status).toBe(401);
    const { rows } = await database.owner.query(
      "select count(*)::int as n from console_session where ended_at is not null",
    );
    expect(rows).toEqual([{ n: 1 }]);
  });
});

describe("the files of the pages", () => {
  test.each([
    ["record.js", 200],
    ["enter.js", 200],
    ["record.css", 200],
    ["icon.svg", 200],
    ["README.md", 404],
    ["readme.MD", 404],
    ["record.html", 404],
    ["%2e%2e%2fapp.ts", 404],
    ["..%2f..%2fpackage.json", 404],
  ])("%s is answered with %i", async (file, status) => {
    const { url } = await apiServer(database);

    expect((await fetch(`${url}/console/files/${file}`)).status).toBe(status);
  });
});

describe("a set-up link", () => {
  const enter = (url: string, token: string, headers: Record<string, string> = { origin: publicUrl }) =>
    fetch(`${url}/console/enter`, { method: "POST", headers, body: new URLSearchParams({ token }) });

  test("lets its first visitor in, and nobody after", async () => {
    const { url } = await apiServer(database);
    const link = await entryLink();

    const first = await enter(url, link);
    const second = await enter(url, link);

    expect(first.headers.get("set-cookie")).toMatch(/^triveni_session=[\w-]{43}; .*HttpOnly; Secure; SameSite=Lax/);
    expect(second.status).toBe(403);
    expect(second.headers.get("set-cookie")).toBeNull();
  });

  test("is not used up by whoever only looks at it, and its page takes nothing from the address", async () => {
    const { url } = await apiServer(database);
    const token = await entryLink();

    const looked = await (await fetch(`${url}/console/enter?token=${token}%22%3E%3Cscript%3E`)).text();

    expect(looked).toContain('name="token">');
    expect(looked).not.toContain(token);
    expect((await enter(url, token)).headers.get("set-cookie")).not.toBeNull();
  });

  test.each([
    ["another page", { origin: "https://evil.example" }],
    ["a page that hides where it is", { origin: "null" }],
    ["something that does not say where from", {}],
  ])("is not used up, and lets nobody in, when %s sends it", async (_, headers) => {
    const { url } = await apiServer(database);
    const token = await entryLink();

    const answer = await enter(url, token, headers);

    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([403, null]);
    expect(await answer.json()).toMatchObject({ code: "console.origin", title: expect.any(String) });
    expect((await enter(url, token, { origin: url })).status).toBe(200);
  });

  test("that is older than 15 minutes lets nobody in", async () => {
    const { url } = await apiServer(database);
    const token = await entryLink();
    await database.owner.query("update console_entry set expires_at = now() - interval '1 s' where used_at is null");

    expect((await enter(url, token)).status).toBe(403);
  });

  test("and its session are kept as hashes only", async () => {
    const token = await entryLink();

    const { rows } = await database.owner.query("select encode(token_hash, 'escape') as hash from console_entry");

    expect(rows.every(({ hash }) => !hash.includes(token))).toBe(true);
  });

  async function entryLink(): Promise<string> {
    const visitor = { workspaceId: own.workspaceId, agent: "owner", publicUrl };
    const link = await makeEntryLink({ app: database.app, clock: systemClock }, visitor);
    return new URL(link).hash.slice(1);
  }
});
