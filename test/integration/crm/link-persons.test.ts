import { afterAll, beforeEach, expect, test } from "vitest";
import { type Portal, store, withCalculated } from "#test/sandbox/hubspot/portal.ts";
import { startHubspotSimulator } from "#test/sandbox/hubspot/simulator.ts";
import { freshDatabase } from "#test/support/database.ts";
import { crmWorker, drain, makeIdentity, makeMessage, makeStage, type Stage, writesOf } from "./stage.ts";

const database = await freshDatabase();
const hubspot = await startHubspotSimulator({ latency: { p50Ms: 0, p99Ms: 0 }, searchDelayMs: 0 });
afterAll(() => hubspot.close());

let portal: Portal;
let stage: Stage;
let nextHubId = 7_000;

beforeEach(async () => {
  portal = hubspot.addPortal({ hubId: nextHubId++, hasWhatsappId: true });
  stage = await makeStage(database, portal);
});

test("a contact written with another Brazilian spelling is found, not made", async () => {
  const contact = store(portal.contacts, withCalculated({ phone: "+55 41 98888-7777" }), 0);
  const { identityId } = await makeIdentity(database, stage, { phone: "554188887777" });
  await makeMessage(database, stage, identityId);

  await drain(database, crmWorker(database, hubspot), stage);

  expect(portal.contacts).toHaveLength(1);
  expect((await writesOf(database, stage))[0]?.recordId).toBe(contact.id);
});

test("of several contacts with the phone the oldest gets the messages", async () => {
  const oldest = store(portal.contacts, withCalculated({ mobilephone: "+919876543210" }), 0);
  const newer = store(portal.contacts, withCalculated({ phone: "+91 98765 43210" }), 0);
  oldest.createdAt = "2024-01-01T00:00:00.000Z";
  newer.createdAt = "2025-01-01T00:00:00.000Z";
  portal.contacts.reverse();
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);

  await drain(database, crmWorker(database, hubspot), stage);

  expect(portal.communications[0]?.associations).toEqual([oldest.id]);
});

test("a contact with the same national number in another country is not taken", async () => {
  store(portal.contacts, withCalculated({ phone: "+449876543210" }), 0);
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210" });
  await makeMessage(database, stage, identityId);

  await drain(database, crmWorker(database, hubspot), stage);

  expect(portal.contacts).toHaveLength(2);
});

test("somebody without a phone gets a contact only where our unique property can find it again", async () => {
  const { identityId } = await makeIdentity(database, stage, { bsuid: "IN.2081978700112233", name: "Asha Rao" });
  await makeMessage(database, stage, identityId);
  const bare = hubspot.addPortal({ hubId: nextHubId++ });
  const bareStage = await makeStage(database, bare);
  const stranger = await makeIdentity(database, bareStage, { bsuid: "IN.2081978700112233", name: "Asha Rao" });
  await makeMessage(database, bareStage, stranger.identityId);

  await drain(database, crmWorker(database, hubspot), stage);
  await drain(database, crmWorker(database, hubspot), bareStage);

  expect(portal.contacts).toMatchObject([
    { properties: { firstname: "Asha", lastname: "Rao", triveni_wa_id: "IN.2081978700112233" } },
  ]);
  expect(bare.contacts).toEqual([]);
  expect(await writesOf(database, bareStage)).toMatchObject([
    { state: "refused", refusal: '{"code":"crm.person_without_phone"}' },
  ]);
});

test("two identities of one person share a contact, and so does the same phone in another portfolio", async () => {
  const phone = await makeIdentity(database, stage, { phone: "919876543210" });
  const bsuid = await makeIdentity(database, stage, { bsuid: "IN.1", personId: phone.personId });
  const elsewhere = await makeIdentity(database, stage, { bsuid: "IN.2", phone: "919876543210", portfolio: "p2" });
  await makeMessage(database, stage, phone.identityId);
  await drain(database, crmWorker(database, hubspot), stage);
  await makeMessage(database, stage, bsuid.identityId);
  await makeMessage(database, stage, elsewhere.identityId);
  for (const contact of portal.contacts) contact.searchableAt = Number.POSITIVE_INFINITY;

  await drain(database, crmWorker(database, hubspot), stage);

  expect(portal.contacts).toHaveLength(1);
  expect(portal.communications).toHaveLength(3);
});

test.each([
  ["after the old owner was linked", true],
  ["in the same batch as the old owner", false],
])("the new owner of a recycled phone gets a contact of their own: %s", async (_, isLinkedBefore) => {
  const old = await makeIdentity(database, stage, { bsuid: "IN.1", phone: "919876543210", name: "Asha" });
  const recycled = await makeIdentity(database, stage, { bsuid: "IN.2", phone: "919876543210", name: "Ravi" });
  const elsewhere = await makeIdentity(database, stage, { bsuid: "IN.9", phone: "919876543210", portfolio: "p2" });
  await makeMessage(database, stage, old.identityId, { body: "From Asha" });
  if (isLinkedBefore) await drain(database, crmWorker(database, hubspot), stage);
  await makeMessage(database, stage, recycled.identityId, { body: "From Ravi" });

  await drain(database, crmWorker(database, hubspot), stage);
  await makeMessage(database, stage, recycled.identityId, { body: "From Ravi again" });
  await makeMessage(database, stage, elsewhere.identityId, { body: "From whoever has it" });
  await drain(database, crmWorker(database, hubspot), stage);

  const [asha, ravi] = ["Asha", "Ravi"].map(
    (name) => portal.contacts.find(({ properties }) => properties["firstname"] === name)?.id,
  );
  const on = (id?: string) =>
    portal.communications
      .filter(({ associations }) => associations.includes(id ?? ""))
      .map(({ properties }) => /From [^[]*/.exec(properties["hs_communication_body"] ?? "")?.[0].trim());
  expect(portal.contacts).toHaveLength(2);
  expect(on(asha).filter((text) => text !== "From whoever has it")).toEqual(["From Asha"]);
  expect(on(ravi).filter((text) => text !== "From whoever has it")).toEqual(["From Ravi", "From Ravi again"]);
  expect([asha, ravi].some((id) => on(id).includes("From whoever has it"))).toBe(true);
});
