import { afterAll, beforeEach, expect, test } from "vitest";
import { markUninstalled } from "#core/store/installs.ts";
import { sql } from "#core/store/sql.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { logMessages } from "#core/usecases/crm/log-messages.ts";
import { makePortal, type Portal } from "#test/sandbox/hubspot/portal.ts";
import { startHubspotSimulator } from "#test/sandbox/hubspot/simulator.ts";
import { freshDatabase } from "#test/support/database.ts";
import {
  crmWorker,
  drain,
  loggedMarkers,
  makeIdentity,
  makeMessage,
  makeStage,
  passTime,
  type Stage,
  writesOf,
} from "./stage.ts";

const database = await freshDatabase();
const hubspot = await startHubspotSimulator({ latency: { p50Ms: 0, p99Ms: 0 }, searchDelayMs: 0 });
afterAll(() => hubspot.close());

let portal: Portal;
let stage: Stage;
let nextHubId = 1_000;

beforeEach(async () => {
  portal = hubspot.addPortal({ hubId: nextHubId++, hasWhatsappId: true });
  stage = await makeStage(database, portal);
});

test("an uninstalled account is not written to any more", async () => {
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);
  await asWorkspaces(database.worker, [stage.workspaceId], (tx) =>
    markUninstalled(tx, stage.workspaceId, stage.installId, new Date()),
  );

  const taken = await logMessages(crmWorker(database, hubspot), stage);

  expect(taken).toBe(0);
  expect(hubspot.calls.filter(({ hubId }) => hubId === portal.hubId)).toEqual([]);
  expect((await writesOf(database, stage))[0]?.state).toBe("pending");
});

test("an account that has removed us is left alone, and the writes say why they wait", async () => {
  portal.isUninstalled = true;
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);

  await logMessages(crmWorker(database, hubspot), stage);
  const again = await logMessages(crmWorker(database, hubspot), stage);

  expect(await writesOf(database, stage)).toMatchObject([{ state: "pending", refusal: "crm.disconnected" }]);
  expect(again).toBe(0);
});

test("a required field keeps the contact out, visibly, and the next messages do not ask HubSpot again", async () => {
  portal.requiredProperties = ["lastname", "company"];
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210", name: "Asha" });
  await makeMessage(database, stage, identityId);
  await drain(database, crmWorker(database, hubspot), stage);
  const callsBefore = hubspot.calls.length;
  await makeMessage(database, stage, identityId);

  await logMessages(crmWorker(database, hubspot), stage);

  const refusal = JSON.stringify({ code: "crm.required_property", detail: "lastname, company" });
  expect(await writesOf(database, stage)).toMatchObject([
    { state: "refused", refusal },
    { state: "refused", refusal },
  ]);
  expect(hubspot.calls.length).toBe(callsBefore);
  expect(portal.contacts).toEqual([]);
});

test("a person who was refused is offered again after the quiet time", async () => {
  portal.requiredProperties = ["company"];
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);
  await drain(database, crmWorker(database, hubspot), stage);
  portal.requiredProperties = [];
  await passTime(database, 3_600_001);
  const marker = await makeMessage(database, stage, identityId);

  await drain(database, crmWorker(database, hubspot), stage);

  expect(loggedMarkers(hubspot, portal.hubId)).toEqual([marker]);
});

test("groups and senders without a name have no record, and say so", async () => {
  const { identityId } = await makeIdentity(database, stage, { phone: "120363000000" });
  await database.owner.query(sql`update identity set kind = 'group' where id = ${identityId}`);
  await makeMessage(database, stage, identityId);

  await drain(database, crmWorker(database, hubspot), stage);

  expect(await writesOf(database, stage)).toMatchObject([
    { state: "refused", refusal: '{"code":"crm.group_has_no_record"}' },
  ]);
});

test("a contact that is gone refuses its message and not the others of the batch", async () => {
  const gone = await makeIdentity(database, stage, { phone: "919876543210" });
  const there = await makeIdentity(database, stage, { phone: "919876543211" });
  await makeMessage(database, stage, gone.identityId);
  await drain(database, crmWorker(database, hubspot), stage);
  portal.contacts = [];
  await makeMessage(database, stage, gone.identityId);
  const marker = await makeMessage(database, stage, there.identityId);

  await drain(database, crmWorker(database, hubspot), stage);

  expect((await writesOf(database, stage)).map(({ state }) => state)).toEqual(["written", "refused", "written"]);
  expect((await writesOf(database, stage))[1]?.refusal).toContain("crm.record_gone");
  expect(loggedMarkers(hubspot, portal.hubId)).toContain(marker);

  const { rows } = await database.owner.query(sql`
    select m.version = c.version and c.version > 1 as "isTold" from message m
    join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
    join crm_write w on w.message_id = m.id where w.install_id = ${stage.installId} and w.state = 'refused'`);
  expect(rows).toEqual([{ isTold: true }]);
  const later = await makeMessage(database, stage, gone.identityId);
  await drain(database, crmWorker(database, hubspot), stage);
  expect(loggedMarkers(hubspot, portal.hubId)).toContain(later);
});

test.each([
  ["is gone", { status: 404 }, "crm.record_gone"],
  ["does not answer as it should", { status: 400 }, "crm.log_unknown"],
])("after a lost answer, a contact that %s ends the looking in words", async (_, fault, code) => {
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);
  hubspot.next({ does: "work-then-reset", path: "communications/batch/create" });
  hubspot.next({ ...fault, path: "contacts/communications/batch/read" });

  await drain(database, crmWorker(database, hubspot), stage);

  expect(await writesOf(database, stage)).toMatchObject([{ state: "refused", refusal: JSON.stringify({ code }) }]);
  expect(portal.communications).toHaveLength(1);
});

test("what an agent sent is logged without the id that we hold of the agent", async () => {
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId, { direction: "out", originId: "hubspot:142" });

  await drain(database, crmWorker(database, hubspot), stage);

  expect(portal.communications[0]?.properties["hs_communication_body"]).toMatch(/^Sent by an agent: Is it in stock\?/);
});

test("two workspaces write to their own accounts only", async () => {
  const otherPortal = hubspot.addPortal({ hubId: nextHubId++ });
  const other = await makeStage(database, otherPortal);
  const ours = await makeIdentity(database, stage, { phone: "919876543210" });
  const theirs = await makeIdentity(database, other, { phone: "919876543210" });
  const ourMarker = await makeMessage(database, stage, ours.identityId);
  const theirMarker = await makeMessage(database, other, theirs.identityId);
  const worker = crmWorker(database, hubspot);

  await Promise.all([drain(database, worker, stage), drain(database, worker, other)]);

  expect(loggedMarkers(hubspot, portal.hubId)).toEqual([ourMarker]);
  expect(loggedMarkers(hubspot, otherPortal.hubId)).toEqual([theirMarker]);
  expect([portal.contacts.length, otherPortal.contacts.length]).toEqual([1, 1]);
});

test("an install of another workspace cannot be drained under a foreign workspace id", async () => {
  const other = await makeStage(database, hubspot.addPortal({ hubId: nextHubId++ }));
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);

  const taken = await logMessages(crmWorker(database, hubspot), {
    workspaceId: other.workspaceId,
    installId: stage.installId,
  });

  expect(taken).toBe(0);
  expect((await writesOf(database, stage))[0]?.state).toBe("pending");
});

test("the timeline says who wrote, shows hostile text as text, and ends with our marker", async () => {
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  const hostile = await makeMessage(database, stage, identityId, { body: "<img src=x>\n[tv:0123456789]" });
  const phone = await makeMessage(database, stage, identityId, {
    direction: "out",
    origin: "phone",
    type: "image",
    body: null,
  });

  await drain(database, crmWorker(database, hubspot), stage);

  expect(portal.communications.map(({ properties }) => properties["hs_communication_body"])).toEqual([
    `Received: &lt;img src=x&gt;<br>[tv:0123456789] [tv:${hostile}]`,
    `Sent from phone: [image] [tv:${phone}]`,
  ]);
});

test("tokens are sealed in the database, renewed once, and used by the next turn", async () => {
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);
  const refreshes = () => hubspot.calls.filter(({ path }) => path === "/oauth/2026-09/token").length;
  const before = refreshes();

  await drain(database, crmWorker(database, hubspot), stage);
  await makeMessage(database, stage, identityId);
  await drain(database, crmWorker(database, hubspot), stage);

  expect(refreshes() - before).toBe(1);
  const { rows } = await database.owner.query(sql`select tokens_sealed from install where id = ${stage.installId}`);
  expect(rows[0].tokens_sealed.toString("latin1")).not.toContain(makePortal({ hubId: portal.hubId }).refreshToken);
});
