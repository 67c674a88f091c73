import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { en } from "#core/words/en.ts";
import { openRecordPage, type PlainBrowser, plainBrowser } from "#test/sandbox/plain-browser.ts";

const conversationId = "0199f0a0-0000-7000-8000-000000000001";
const conversation = {
  id: conversationId,
  number: "+919900011223",
  person: { id: conversationId, name: "<img src=x onerror=alert(1)>" },
  window: { isOpen: true, closesAt: "2026-11-23T10:00:00.000Z" },
  seenThrough: "v1.1",
};
const item = {
  ...{ id: "m1", conversationId, direction: "in", author: { kind: "customer", label: "Customer" }, type: "text" },
  ...{ label: "Message", text: "<script>alert(2)</script>", sentAt: "2026-11-22T10:00:00.000Z" },
  ...{ isEdited: false, isRevoked: false, reactions: [] },
};

type Answer = { status: number; body?: unknown } | "lost";
type Reply = { idempotencyKey: string; text: string; seenThrough: string };

/** A server that gives the page what a test wants, and keeps the replies it was sent. */
async function pageAgainst(plan: {
  timeline?: Answer[];
  replies?: (Answer | ((reply: Reply) => Answer))[];
  /** Held back until it resolves. */
  answering?: Promise<void>;
  session?: Answer;
  storage?: Map<string, string>;
}) {
  const replies: Reply[] = [];
  const page = { conversations: [conversation], items: [item], replaced: [], before: null, since: "x", hasMore: false };
  const { timeline = [], replies: answers = [], session = { status: 200, body: { csrf: "c" } } } = plan;
  const server = createServer(async (request, response) => {
    const url = request.url ?? "";
    let body = "";
    for await (const chunk of request) body += chunk;
    let answer: Answer = { status: 200, body: page };
    if (url.startsWith("/console/words")) answer = { status: 200, body: { language: "en", ...en } };
    else if (url.startsWith("/console/session")) answer = session;
    else if (url.includes("/replies")) {
      replies.push(JSON.parse(body));
      const planned = answers.shift() ?? { status: 202, body: { outcome: "queued", itemId: "s1" } };
      answer = typeof planned === "function" ? planned(replies.at(-1) as Reply) : planned;
      await plan.answering;
    } else if (timeline.length > 0) answer = timeline.shift() as Answer;
    if (answer === "lost") return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/console/record/hubspot/contact/1`;
  const browser = plainBrowser(url, "", plan.storage);
  const opened = await openRecordPage(browser);
  return { browser, opened, replies };
}

async function type(browser: PlainBrowser, text: string): Promise<void> {
  browser.element("text").value = text;
  await browser.element("text").fire("input");
}

async function choose(browser: PlainBrowser, id: string): Promise<void> {
  browser.element("choice").value = id;
  await browser.element("choice").fire("change");
}

async function send(browser: PlainBrowser, replies: unknown[]): Promise<void> {
  const before = replies.length;
  await browser.element("reply").fire("submit");
  await expect.poll(() => replies.length).toBe(before + 1);
  await expect.poll(() => browser.element("send").textContent).not.toBe(en["page.sending"]);
}

describe("the plain page says", () => {
  test.each<[string, Answer[], string]>([
    ["that it cannot reach the server", ["lost"], en["page.offline"]],
    ["that the session has ended", [{ status: 401, body: {} }], en["page.sign_in"]],
    [
      "what the server said, and what to do",
      [{ status: 404, body: { title: "No such", action: "Go back." } }],
      "No such. Go back.",
    ],
    ["that something went wrong", [{ status: 500, body: {} }], en["page.error"]],
    [
      "that there is nothing yet",
      [{ status: 200, body: { conversations: [], items: [], replaced: [], before: null, since: "", hasMore: false } }],
      en["page.empty"],
    ],
  ])("%s", async (_, timeline, said) => {
    const { browser } = await pageAgainst({ timeline });

    expect(browser.element("status").textContent).toBe(said);
  });

  test("where to sign in when there is no session", async () => {
    const { browser, opened } = await pageAgainst({ session: { status: 401, body: {} } });

    expect(opened).toBeUndefined();
    expect(browser.element("status").textContent).toBe(en["page.sign_in"]);
  });

  test("hostile names and texts, as text", async () => {
    const { browser } = await pageAgainst({});

    expect(browser.text()).toContain("<img src=x onerror=alert(1)>");
    expect(browser.text()).toContain("<script>alert(2)</script>");
  });
});

describe("a reply on the plain page", () => {
  test("keeps its text and its key over a reload, until it was taken", async () => {
    const storage = new Map<string, string>();
    const first = await pageAgainst({ storage });
    await type(first.browser, "Half a sen");

    const second = await pageAgainst({ storage });
    expect(second.browser.element("text").value).toBe("Half a sen");
    await type(second.browser, "Half a sentence");
    const key = JSON.parse([...storage.values()][0] ?? "").key;
    await send(second.browser, second.replies);

    expect(second.replies).toMatchObject([{ idempotencyKey: key, text: "Half a sentence", seenThrough: "v1.1" }]);
    expect(storage.size).toBe(0);
    expect(second.browser.element("text").value).toBe("");
  });

  test("whose answer was lost may only be tried again as it was, under the same key, also after a reload", async () => {
    const storage = new Map<string, string>();
    const first = await pageAgainst({ storage, replies: ["lost"] });
    await type(first.browser, "Yes");
    await send(first.browser, first.replies);
    expect(first.browser.element("refusal").textContent).toBe(en["page.offline"]);
    expect(first.browser.element("text").readOnly).toBe(true);

    const second = await pageAgainst({ storage });
    expect(second.browser.element("text").readOnly).toBe(true);
    await send(second.browser, second.replies);

    expect(second.replies[0]?.idempotencyKey).toBe(first.replies[0]?.idempotencyKey);
    expect(second.replies[0]?.text).toBe("Yes");
    expect(storage.size).toBe(0);
  });

  test("cannot be typed on while it is under way, and is empty after it was taken", async () => {
    const { promise: answering, resolve: answer } = Promise.withResolvers<void>();
    const { browser, replies } = await pageAgainst({ answering });
    await type(browser, "Yes");
    await browser.element("reply").fire("submit");
    await expect.poll(() => replies.length).toBe(1);

    expect(browser.element("text").readOnly).toBe(true);
    await type(browser, "Yes and no");
    expect(browser.element("text").value).toBe("Yes");
    answer();

    await expect.poll(() => browser.element("text").value).toBe("");
    expect(browser.element("text").readOnly).toBe(false);
    expect(browser.storage.size).toBe(0);
  });

  test("that another tab sent under the same key with another text says so, and goes out under a new key", async () => {
    const storage = new Map<string, string>();
    const problem = { code: "reply.key_reused", title: "Sent in another form", action: "Look, then send again." };
    const first = await pageAgainst({ storage });
    await type(first.browser, "Yes");
    await send(first.browser, first.replies);
    const key = first.replies[0]?.idempotencyKey;
    storage.set(`triveni-draft:${conversationId}`, JSON.stringify({ key, text: "Yes, gladly", isUnderWay: false }));
    const reloaded = await pageAgainst({ storage, replies: [{ status: 409, body: problem }] });

    await send(reloaded.browser, reloaded.replies);

    expect(reloaded.browser.element("refusal").textContent).toBe("Sent in another form. Look, then send again.");
    expect(reloaded.browser.element("text").value).toBe("Yes, gladly");
    expect(reloaded.browser.element("text").readOnly).toBe(false);
    await send(reloaded.browser, reloaded.replies);
    expect(reloaded.replies.map(({ text }) => text)).toEqual(["Yes, gladly", "Yes, gladly"]);
    expect(reloaded.replies[0]?.idempotencyKey).toBe(key);
    expect(reloaded.replies[1]?.idempotencyKey).not.toBe(key);
  });

  test("that another tab typed on while it was sent keeps that text, under a key of its own", async () => {
    const storage = new Map<string, string>();
    const { promise: answering, resolve: answer } = Promise.withResolvers<void>();
    const { browser, replies } = await pageAgainst({ storage, answering });
    await type(browser, "Yes");
    await browser.element("reply").fire("submit");
    await expect.poll(() => replies.length).toBe(1);
    const [[name = "", stored = ""] = []] = [...storage];
    storage.set(name, JSON.stringify({ ...JSON.parse(stored), text: "Yes, and more" }));
    answer();

    await expect.poll(() => browser.element("text").value).toBe("Yes, and more");
    expect(JSON.parse(storage.get(name) ?? "").key).not.toBe(replies[0]?.idempotencyKey);
  });

  test("that is refused after another conversation was chosen leaves the other one's draft alone, and waits with its reason", async () => {
    const other = { ...conversation, id: "0199f0a0-0000-7000-8000-000000000002", seenThrough: "v2.2" };
    const body = { conversations: [conversation, other], items: [item], replaced: [], before: null, since: "x" };
    const { promise: answering, resolve: answer } = Promise.withResolvers<void>();
    const refusal = { title: "Not connected", action: "Ask." };
    const { browser, replies } = await pageAgainst({
      timeline: Array.from({ length: 3 }, () => ({ status: 200, body: { ...body, hasMore: false } })),
      replies: [{ status: 422, body: { outcome: "refused", refusal } }],
      answering,
    });
    await type(browser, "To the first");
    await browser.element("reply").fire("submit");
    await expect.poll(() => replies.length).toBe(1);

    await choose(browser, other.id);
    await type(browser, "To the second");
    answer();
    await expect.poll(() => browser.element("send").textContent).toBe(en["page.send"]);

    expect(browser.element("text").value).toBe("To the second");
    expect(browser.element("refusal").textContent).toBe("");
    await choose(browser, conversationId);
    expect(browser.element("text").value).toBe("To the first");
    expect(browser.element("text").readOnly).toBe(false);
    expect(browser.element("refusal").textContent).toBe("Not connected. Ask.");
    await send(browser, replies);
    expect(replies[1]).toMatchObject({ text: "To the first", idempotencyKey: replies[0]?.idempotencyKey });
  });

  test("whose answer was lost may be asked for again after the window has closed, and is then free to be changed", async () => {
    const closed = { ...conversation, window: { isOpen: false, closedAt: "2026-11-22T10:00:00.000Z" } };
    const body = { conversations: [closed], items: [item], replaced: [], before: null, since: "x", hasMore: false };
    const refusal = { title: "Too late", action: "Use a template." };
    const { browser, replies, opened } = await pageAgainst({
      replies: ["lost", { status: 422, body: { outcome: "refused", refusal } }],
      timeline: [
        { status: 200, body: { ...body, conversations: [conversation] } },
        ...Array(5).fill({ status: 200, body }),
      ],
    });
    await type(browser, "Yes");
    await send(browser, replies);
    await opened?.refresh();

    await send(browser, replies);

    expect(replies[1]).toEqual(replies[0]);
    expect(browser.element("text").readOnly).toBe(false);
    expect(browser.element("send").disabled).toBe(true);
  });

  test("that was answered meanwhile says so, and offers to send it anyway", async () => {
    const refusal = { title: "Somebody answered", action: "Read it first." };
    const { browser, replies } = await pageAgainst({
      replies: [{ status: 409, body: { outcome: "answered-since", refusal } }],
    });
    await type(browser, "Yes");
    await send(browser, replies);

    expect(browser.element("refusal").textContent).toBe("Somebody answered. Read it first.");
    expect(browser.element("send").textContent).toBe(en["page.send_anyway"]);
    expect(browser.element("text").readOnly).toBe(false);
    await send(browser, replies);
    expect(new Set(replies.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  test("cannot be sent while the window is closed, and the page says the way out", async () => {
    const closed = { ...conversation, window: { isOpen: false, closedAt: "2026-11-22T10:00:00.000Z" } };
    const body = { conversations: [closed], items: [item], replaced: [], before: null, since: "x", hasMore: false };
    const { browser, replies } = await pageAgainst({ timeline: [{ status: 200, body }] });
    await type(browser, "Too late");

    await browser.element("reply").fire("submit");

    expect(replies).toEqual([]);
    expect(browser.element("window").textContent).toContain(en["refusal.window_closed.action"]);
  });
});
