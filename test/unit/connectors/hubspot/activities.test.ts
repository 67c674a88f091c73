import nock from "nock";
import { afterEach, expect, test } from "vitest";
import { activityBody } from "#connectors/hubspot/activity-body.ts";
import { hubspotConnector } from "#connectors/hubspot/connector.ts";
import { markerIn, markerOf } from "#core/crm/marker.ts";
import type { CrmActivity } from "#core/crm/record.ts";
import { testContext } from "./context.ts";

const base = "https://hubspot.test";
const connector = hubspotConnector({ clientId: "id", clientSecret: "secret", baseUrl: base, timeoutMs: 500 });
const CREATE = "/crm/objects/2026-09/communications/batch/create";
const ASSOCIATIONS = "/crm/associations/2026-09/contacts/communications/batch/read";
const READ = "/crm/objects/2026-09/communications/batch/read";

afterEach(() => nock.cleanAll());

function activity(wamid: string, change: Partial<CrmActivity> = {}): CrmActivity {
  const record = { type: "contact", id: "51" };
  return {
    marker: markerOf(wamid),
    record,
    author: "customer",
    type: "text",
    text: "Hi",
    isRevoked: false,
    sentAt: new Date(0),
    ...change,
  };
}

function stored(id: string, wamid: string) {
  return {
    id,
    properties: { hs_communication_body: `<div>Received: Hi [tv:${markerOf(wamid)}]</div>` },
    createdAt: "",
    updatedAt: "",
    archived: false,
  };
}

test("an input that HubSpot names neither as written nor as failed is unknown, not failed", async () => {
  const inputs = ["a", "b", "c"].map((wamid) => activity(wamid));
  const errors = [{ category: "OBJECT_NOT_FOUND", context: { objectWriteTraceId: [markerOf("b")] } }];
  nock(base)
    .post(CREATE)
    .reply(207, { results: [stored("900", "a")], errors });

  const results = await connector.logMessages(testContext(), inputs);

  expect(results).toMatchObject([
    { outcome: "written", activityId: "900" },
    { outcome: "refused", refusal: { code: "crm.record_gone" } },
    { outcome: "unknown" },
  ]);
});

test("a batch that fails validation is halved until the bad one stands alone", async () => {
  const inputs = ["a", "bad", "c"].map((wamid) => activity(wamid));
  nock(base)
    .post(CREATE)
    .times(5)
    .reply(async (request: Request) => {
      const { inputs: all } = (await request.json()) as { inputs: { objectWriteTraceId: string }[] };
      const sent = all.map((input) => input.objectWriteTraceId);
      if (sent.includes(markerOf("bad"))) return [400, { category: "VALIDATION_ERROR" }];
      return [
        201,
        { results: sent.map((marker) => ({ id: `id-${marker}`, properties: {}, objectWriteTraceId: marker })) },
      ];
    });

  const results = await connector.logMessages(testContext(), inputs);

  expect(results.map(({ outcome }) => outcome)).toEqual(["written", "refused", "written"]);
});

test("a lost answer makes the whole batch unknown, a 429 makes it failed", async () => {
  nock(base).post(CREATE).reply(500);
  const lost = await connector.logMessages(testContext(), [activity("a"), activity("b")]);
  nock(base).post(CREATE).reply(429, { policyName: "SECONDLY" });
  const throttled = await connector.logMessages(testContext(), [activity("a")]);

  expect(lost.map(({ outcome }) => outcome)).toEqual(["unknown", "unknown"]);
  expect(throttled.map(({ outcome }) => outcome)).toEqual(["failed"]);
});

test("reading back looks through every page and finds markers inside an editor's tags", async () => {
  nock(base)
    .post(ASSOCIATIONS, { inputs: [{ id: "51" }] })
    .reply(200, { results: [{ to: [{ toObjectId: 1 }], paging: { next: { after: "x" } } }] });
  nock(base)
    .post(ASSOCIATIONS, { inputs: [{ id: "51", after: "x" }] })
    .reply(200, { results: [{ to: [{ toObjectId: "2" }] }] });
  nock(base)
    .post(READ)
    .reply(200, { results: [stored("2", "b"), stored("1", "a")] });

  const found = await connector.findLogged(testContext(), { type: "contact", id: "51" }, [
    markerOf("a"),
    markerOf("z"),
  ]);

  expect([...found]).toEqual([[markerOf("a"), "1"]]);
});

test("a timeline of more than 20,000 entries, and one of a contact that is gone, will never be read back", async () => {
  nock(base)
    .post(ASSOCIATIONS)
    .times(40)
    .reply(200, { results: [{ to: [{ toObjectId: 1 }], paging: { next: { after: "x" } } }] });
  const record = { type: "contact", id: "51" };
  const long = connector.findLogged(testContext(), record, ["x"]);
  await expect(long).rejects.toMatchObject({ code: "crm.timeline_too_long", next: { retry: "never" } });
  nock(base).post(ASSOCIATIONS).reply(404, {});
  const gone = connector.findLogged(testContext(), record, ["x"]);

  await expect(gone).rejects.toMatchObject({ code: "crm.record_gone", next: { retry: "never" } });
});

test("half an answer while reading back is a Failure: what is not seen may be there", async () => {
  nock(base)
    .post(ASSOCIATIONS)
    .reply(207, { results: [], errors: [{ category: "INTERNAL_ERROR", context: {} }] });

  await expect(connector.findLogged(testContext(), { type: "contact", id: "51" }, ["x"])).rejects.toMatchObject({
    code: "hubspot.half_answer",
  });
});

test("a contact without a timeline is read back as empty", async () => {
  const nothing = { category: "OBJECT_NOT_FOUND", subCategory: "crm.associations.NO_ASSOCIATIONS_FOUND", context: {} };
  nock(base)
    .post(ASSOCIATIONS)
    .reply(207, { results: [], errors: [nothing] });

  expect((await connector.findLogged(testContext(), { type: "contact", id: "51" }, ["x"])).size).toBe(0);
});

test("a marker is found at the end only, so a customer can not forge one", () => {
  const marker = markerOf("wamid.1");

  expect(markerIn(`Received: [tv:0123456789] [tv:${marker}]`)).toBe(marker);
  expect(markerIn(`<p>Received: hi [tv:${marker}]</p>&nbsp;\n`)).toBe(marker);
  expect(markerIn("Received: [tv:0123456789] and more")).toBeUndefined();
});

test.each(["", "x", "TV1", "a]b", "a b"])(
  "a marker that could not be read back is refused before anything is sent: %j",
  async (marker) => {
    const results = await connector.logMessages(testContext(), [activity("a", { marker })]);

    expect(results).toMatchObject([{ outcome: "failed", failure: { code: "crm.marker" } }]);
  },
);

test.each([markerOf("wamid.1"), "tv42"])("a marker of the pipeline is read back as it was written: %s", (marker) => {
  const [, , rest] = /^(.*)(\[tv:.*)$/.exec(`${activityBody(activity("a", { marker }))}</div>`) ?? [];

  expect(markerIn(rest ?? "")).toBe(marker);
});
