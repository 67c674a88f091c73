import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hubspotConnector } from "#connectors/hubspot/connector.ts";
import type { CrmPerson } from "#core/crm/record.ts";
import { testContext } from "./context.ts";

const base = "https://hubspot.test";
const PROPERTY = "/crm/properties/2026-09/contacts/triveni_wa_id";
const CONTACTS = "/crm/objects/2026-09/contacts";
const connector = () => hubspotConnector({ clientId: "id", clientSecret: "secret", baseUrl: base, timeoutMs: 500 });

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

function person(change: Partial<CrmPerson> = {}): CrmPerson {
  return {
    personId: "p1",
    phones: ["919876543210"],
    bsuids: ["IN.1"],
    name: "Asha Rao",
    mayExist: false,
    strangersRecords: [],
    ...change,
  };
}

function withProperty(): void {
  nock(base).get(PROPERTY).reply(200, { name: "triveni_wa_id", hasUniqueValue: true });
}

test("a value that is taken leads to the contact that has it: an earlier try of ours had worked", async () => {
  withProperty();
  nock(base).post(`${CONTACTS}/search`).reply(200, { results: [], total: 0 });
  nock(base)
    .post(CONTACTS)
    .reply(400, { category: "VALIDATION_ERROR", errors: [{ code: "CONFLICTING_UNIQUE_VALUE" }] });
  nock(base)
    .post(`${CONTACTS}/batch/read`)
    .reply(200, { results: [{ id: "51", properties: { triveni_wa_id: "IN.1" } }] });

  const results = await connector().findOrCreateRecords(testContext(), [person()]);

  expect(results).toEqual([{ outcome: "linked", record: { type: "contact", id: "51" }, how: "found" }]);
});

test("after an abandoned try all ids of the person are looked up directly, before the lagging search", async () => {
  withProperty();
  const inputs = [{ id: "IN.1" }, { id: "IN.2" }, { id: "919876543210" }];
  nock(base)
    .post(`${CONTACTS}/batch/read`, {
      idProperty: "triveni_wa_id",
      inputs,
      properties: ["triveni_wa_id"],
      propertiesWithHistory: [],
    })
    .reply(207, {
      results: [{ id: "51", properties: { triveni_wa_id: "IN.2" } }],
      errors: [{ category: "OBJECT_NOT_FOUND" }],
    });

  const results = await connector().findOrCreateRecords(testContext(), [
    person({ bsuids: ["IN.1", "IN.2"], mayExist: true }),
  ]);

  expect(results).toMatchObject([{ outcome: "linked", record: { id: "51" } }]);
});

test("a contact that is another one's is not taken although its phone fits", async () => {
  nock(base).get(PROPERTY).reply(404);
  const theirs = { id: "51", properties: { phone: "+919876543210" } };
  nock(base)
    .post(`${CONTACTS}/search`)
    .reply(200, { results: [theirs], total: 1 });
  nock(base).post(CONTACTS).reply(201, { id: "52", properties: {} });

  const results = await connector().findOrCreateRecords(testContext(), [person({ strangersRecords: ["51"] })]);

  expect(results).toEqual([{ outcome: "linked", record: { type: "contact", id: "52" }, how: "created" }]);
});

test("one person's lost answer is unknown and leaves the others' results alone", async () => {
  nock(base).get(PROPERTY).reply(404);
  nock(base).post(`${CONTACTS}/search`).times(2).reply(200, { results: [], total: 0 });
  nock(base)
    .post(CONTACTS, /"phone":"\+919876543210"/)
    .reply(500);
  nock(base)
    .post(CONTACTS, /"phone":"\+919876543211"/)
    .reply(201, { id: "52", properties: {} });

  const results = await connector().findOrCreateRecords(testContext(), [
    person(),
    person({ personId: "p2", phones: ["919876543211"] }),
  ]);

  expect(results.map(({ outcome }) => outcome)).toEqual(["unknown", "linked"]);
});

test("a conditionally required field is a refusal that names it", async () => {
  nock(base).get(PROPERTY).reply(404);
  nock(base).post(`${CONTACTS}/search`).reply(200, { results: [], total: 0 });
  const errors = [{ code: "MISSING_CONDITIONAL_REQUIRED_PROPERTY", context: { propertyName: ["company"] } }];
  nock(base).post(CONTACTS).reply(400, { category: "VALIDATION_ERROR", errors });

  const results = await connector().findOrCreateRecords(testContext(), [person()]);

  expect(results).toEqual([{ outcome: "refused", refusal: { code: "crm.required_property", detail: "company" } }]);
});
