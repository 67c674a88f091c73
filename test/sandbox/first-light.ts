import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReplyAnswer } from "#core/api/contract/replies.ts";
import type { Conversation, Item, TimelinePage } from "#core/api/contract/timeline.ts";
import { systemClock } from "#core/kit/clock.ts";
import { makeEntryLink } from "#core/usecases/console-sessions/console-sessions.ts";
import { askAsHubSpot } from "#test/support/as-hubspot.ts";
import { openRecordPage, type PlainBrowser, plainBrowser } from "./plain-browser.ts";
import type { Stage } from "./stage.ts";

/** One thing that must come true, by its name. */
export interface Step {
  name: string;
  run(stage: Stage, play: Play): Promise<void>;
}

/** What earlier steps learnt. */
interface Play {
  recordId: string;
  conversation: Conversation;
  sent: { itemId: string; text: string };
  browser: PlainBrowser;
}

const customer = { phone: "919845000117", bsuid: "IN.2081978700112233", name: "Asha <b>Menon</b>" };
const late = { phone: "919845000999", bsuid: "IN.2081978700999999", name: "Late Customer" };
const question = "Hi, is the 2BHK in Whitefield still available? क्या?";
const answer = "Yes, it is. When would you like to see it?";
const DAY_MS = 86_400_000;
const STEP_MS_MAX = 30_000;
const LOOK_EVERY_MS = 25;

/** The main job once, from end to end, asserted at the far ends: at the simulators and at what is shown. */
export const firstLight: readonly Step[] = [
  { name: "a webhook without Meta's signature is refused", run: unsignedIsRefused },
  { name: "a customer writes: the signed webhook is answered 200", run: customerWrites },
  { name: "HubSpot has the contact, made once", run: contactIsMade },
  { name: "the message is logged on the contact, once", run: messageIsLogged },
  { name: "/v1 shows it to the HubSpot card (signature v3)", run: timelineShowsIt },
  { name: "a request for a record that nobody is linked to is refused in words", run: strangeRecordIsRefused },
  { name: "the plain page shows it, names as text (as rendered in Node)", run: pageShowsIt },
  { name: "a double click on the reply is one message", run: replyIsPosted },
  { name: "Graph received exactly that body, once", run: graphReceivedIt },
  { name: "its ticks come back: delivered, then read", run: ticksComeBack },
  { name: "the reply is logged on the contact, once", run: replyIsLogged },
  { name: "a reply typed on the plain page reaches Graph, and the page shows its tick", run: pageReplies },
  { name: "a reply after 24 hours is refused, with the way out", run: closedWindowIsRefused },
];

async function unsignedIsRefused({ app, database }: Stage): Promise<void> {
  const response = await fetch(`${app.url}/webhooks/meta`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  assert.ok(response.status >= 400 && response.status < 500, `answered ${response.status}`);
  const { rows } = await database.owner.query("select count(*)::int as n from delivery");
  assert.equal(rows[0].n, 0);
}

async function customerWrites({ meta, business }: Stage): Promise<void> {
  meta.inbound({ phoneNumberId: business.phoneNumberId, from: customer, text: question });
  await comesTrue(() =>
    assert.deepEqual(
      meta.webhooks.posted.map(({ status, tries }) => [status, tries]),
      [[200, 1]],
    ),
  );
}

async function contactIsMade(stage: Stage, play: Play): Promise<void> {
  const { contacts } = portalOf(stage);
  await comesTrue(() => assert.equal(contacts.length, 1));
  assert.match(contacts[0]?.properties["phone"] ?? "", /919845000117$/);
  play.recordId = contacts[0]?.id ?? "";
}

async function messageIsLogged(stage: Stage, { recordId }: Play): Promise<void> {
  const { communications } = portalOf(stage);
  await comesTrue(() => assert.equal(communications.length, 1));
  assert.deepEqual(communications[0]?.associations, [recordId]);
  assert.match(JSON.stringify(communications[0]?.properties), /2BHK in Whitefield still available/);
}

async function timelineShowsIt(stage: Stage, play: Play): Promise<void> {
  const page = await timeline(stage, play.recordId);
  assert.deepEqual(
    page.items.map(({ text, direction, author }) => [text, direction, author.kind]),
    [[question, "in", "customer"]],
  );
  const [conversation, ...others] = page.conversations;
  assert.ok(conversation?.window.isOpen);
  assert.equal(others.length, 0);
  play.conversation = conversation;
}

async function strangeRecordIsRefused(stage: Stage): Promise<void> {
  const { status, body } = await asCard(stage, "/v1/records/hubspot/contact/999999999/timeline");
  assert.equal(status, 404);
  assert.match((body as { action: string }).action, /as soon as this person writes/);
}

async function pageShowsIt({ app, database, business }: Stage, play: Play): Promise<void> {
  const visitor = { workspaceId: business.workspaceId, agent: "owner", publicUrl: app.url };
  const link = await makeEntryLink({ app: database.app, clock: systemClock }, visitor);
  const form = new URLSearchParams({ token: new URL(link).hash.slice(1) });
  const headers = { origin: app.url };
  const entered = await fetch(`${app.url}/console/enter`, { method: "POST", headers, body: form });
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";

  const address = `${app.url}/console/record/hubspot/contact/${play.recordId}`;
  const page = await fetch(address, { headers: { cookie } });
  assert.match(page.headers.get("content-security-policy") ?? "", /script-src 'self'/);
  assert.match(await page.text(), /files\/record\.js/);
  play.browser = plainBrowser(address, cookie);
  await openRecordPage(play.browser);
  for (const text of [question, customer.name, "Customer"]) {
    assert.ok(
      play.browser.text().includes(text),
      `the page does not show ${JSON.stringify(text)}:\n${play.browser.text()}`,
    );
  }
}

async function replyIsPosted(stage: Stage, play: Play): Promise<void> {
  const { id, seenThrough } = play.conversation;
  const request = { idempotencyKey: randomUUID(), text: answer, seenThrough };
  const path = `/v1/conversations/${id}/replies`;
  const clicks = await Promise.all([asCard(stage, path, request), asCard(stage, path, request)]);
  assert.deepEqual(
    clicks.map(({ status }) => status),
    [202, 202],
  );
  const [first, second] = clicks.map(({ body }) => (body as Extract<ReplyAnswer, { outcome: "queued" }>).itemId);
  assert.equal(first, second);
  play.sent = { itemId: first ?? "", text: answer };
}

async function graphReceivedIt({ meta, business }: Stage, { sent }: Play): Promise<void> {
  await comesTrue(() => assert.equal(meta.world.calls.length, 1));
  await comesTrue(() => assert.equal(meta.world.calls[0]?.status, 200));
  const [call, ...others] = meta.world.calls;
  assert.equal(others.length, 0);
  assert.equal(call?.phoneNumberId, business.phoneNumberId);
  assert.deepEqual(call?.body, {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: `+${customer.phone}`,
    type: "text",
    text: { body: sent.text },
    biz_opaque_callback_data: `tv1:${sent.itemId.slice(1)}`,
  });
}

async function ticksComeBack(stage: Stage, { recordId }: Play): Promise<void> {
  const seen = new Set<string | undefined>();
  await comesTrue(async () => {
    const { items } = await timeline(stage, recordId);
    seen.add(itemOf(items, answer)?.tick?.name);
    assert.equal(itemOf(items, answer)?.tick?.name, "read");
    assert.equal(items.length, 2);
  });
  const { rows } = await stage.database.owner.query(
    `select s.status, s.pricing_type from message_status s join message m on m.workspace_id = s.workspace_id and m.id = s.message_id
     where m.direction = 'out' order by s.status`,
  );
  const free = "free_customer_service";
  assert.deepEqual(rows, [
    { status: "delivered", pricing_type: free },
    { status: "read", pricing_type: null },
    { status: "sent", pricing_type: free },
  ]);
}

async function replyIsLogged(stage: Stage, { recordId }: Play): Promise<void> {
  const { communications, contacts } = portalOf(stage);
  await comesTrue(() => assert.equal(communications.length, 2));
  assert.deepEqual(communications[1]?.associations, [recordId]);
  assert.match(JSON.stringify(communications[1]?.properties), /When would you like to see it/);
  assert.equal(contacts.length, 1);
}

async function pageReplies(stage: Stage, { browser, recordId }: Play): Promise<void> {
  const text = "There is a lift, too.";
  const page = await openRecordPage(browser);
  browser.element("text").value = text;
  await browser.element("text").fire("input");
  await browser.element("reply").fire("submit");
  await comesTrue(() => assert.equal(stage.meta.world.calls[1]?.status, 200));
  assert.equal(stage.meta.world.calls.length, 2);
  await comesTrue(async () => {
    await page?.refresh();
    assert.match(browser.text(), /There is a lift, too\.\n[^\n]*console:owner[^\n]*✓✓ Read/);
  });
  assert.equal(itemOf((await timeline(stage, recordId)).items, text)?.author.agent, "console:owner");
  assert.equal(browser.storage.size, 0, "the draft is still kept");
}

async function closedWindowIsRefused(stage: Stage): Promise<void> {
  const { meta, business } = stage;
  const before = meta.world.calls.length;
  const atMs = Date.now() - DAY_MS - 1000;
  meta.inbound({ phoneNumberId: business.phoneNumberId, from: late, text: "Yesterday", atMs });
  const { contacts, communications } = portalOf(stage);
  await comesTrue(() => assert.equal(contacts.length, 2));
  await comesTrue(() =>
    assert.ok(communications.some(({ properties }) => JSON.stringify(properties).includes("Yesterday"))),
  );
  const [conversation] = (await timeline(stage, contacts[1]?.id ?? "")).conversations;
  assert.ok(conversation && !conversation.window.isOpen);
  const request = { idempotencyKey: randomUUID(), text: "Too late", seenThrough: conversation.seenThrough };
  const { status, body } = await asCard(stage, `/v1/conversations/${conversation.id}/replies`, request);
  assert.equal(status, 422);
  assert.match((body as { refusal: { action: string } }).refusal.action, /Send a template message/);
  assert.equal(meta.world.calls.length, before);
}

function portalOf({ hubspot, business }: Stage) {
  const portal = hubspot.portals.get(business.portalId);
  assert.ok(portal);
  return portal;
}

function asCard({ app, hubspot, business }: Stage, path: string, body?: unknown) {
  const { clientSecret: secret } = hubspot.app;
  return askAsHubSpot({ url: app.url, secret, portalId: String(business.portalId) }, path, body);
}

async function timeline(stage: Stage, recordId: string): Promise<TimelinePage> {
  const { status, body } = await asCard(stage, `/v1/records/hubspot/contact/${recordId}/timeline`);
  assert.equal(status, 200, JSON.stringify(body));
  return body as TimelinePage;
}

function itemOf(items: readonly Item[], wanted: string): Item | undefined {
  return items.find(({ text }) => text === wanted);
}

/** Waits until an assertion holds; at the deadline its own error says what is missing. */
async function comesTrue(assertion: () => void | Promise<void>): Promise<void> {
  const deadline = performance.now() + STEP_MS_MAX;
  for (;;) {
    try {
      await assertion();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Plays every step; stops at the first that does not hold. `tell` gets one line per step. */
export async function playFirstLight(stage: Stage, tell: (line: string) => void): Promise<boolean> {
  const play = {} as Play;
  for (const { name, run } of firstLight) {
    const startedMs = performance.now();
    const tookMs = () => `${String(Math.round(performance.now() - startedMs)).padStart(6)} ms`;
    try {
      await run(stage, play);
      tell(`ok   ${tookMs()}  ${name}`);
    } catch (error) {
      tell(`FAIL ${tookMs()}  ${name}\n${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }
  return true;
}
