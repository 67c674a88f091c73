import { afterAll, expect, test } from "vitest";
import { markUninstalled } from "#core/store/installs.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { startCrmWriter } from "#core/usecases/crm/crm-writer.ts";
import { startHubspotSimulator } from "#test/sandbox/hubspot/simulator.ts";
import { freshDatabase } from "#test/support/database.ts";
import { until } from "#test/support/until.ts";
import {
  crmWorker,
  drain,
  loggedMarkers,
  makeIdentity,
  makeMessage,
  makeStage,
  type Stage,
  writesOf,
} from "./stage.ts";

const database = await freshDatabase();
const hubspot = await startHubspotSimulator({ latency: { p50Ms: 10, p99Ms: 60 } });
afterAll(() => hubspot.close());

async function people(stage: Stage, count: number, messagesEach: number): Promise<string[]> {
  const markers: string[] = [];
  for (let at = 0; at < count; at++) {
    const { identityId } = await makeIdentity(database, stage, { phone: `9198765432${10 + at}` });
    for (let each = 0; each < messagesEach; each++) markers.push(await makeMessage(database, stage, identityId));
  }
  return markers;
}

async function untilWritten(stage: Stage, count: number): Promise<void> {
  await until(
    async () => (await writesOf(database, stage)).filter(({ state }) => state === "written").length === count,
    15_000,
  );
}

test("two writers drain two workspaces side by side: each message once, each in its own account", async () => {
  const [first, second] = [hubspot.addPortal({ hubId: 1 }), hubspot.addPortal({ hubId: 2 })];
  const [ours, theirs] = [await makeStage(database, first), await makeStage(database, second)];
  const ourMarkers = await people(ours, 5, 30);
  const theirMarkers = await people(theirs, 3, 5);

  const writers = [startCrmWriter(crmWorker(database, hubspot)), startCrmWriter(crmWorker(database, hubspot))];
  await Promise.all([untilWritten(ours, ourMarkers.length), untilWritten(theirs, theirMarkers.length)]);
  await Promise.all(writers.map((writer) => writer.stop()));

  expect(loggedMarkers(hubspot, 1).toSorted()).toEqual(ourMarkers.toSorted());
  expect(loggedMarkers(hubspot, 2).toSorted()).toEqual(theirMarkers.toSorted());
  expect([first.contacts.length, second.contacts.length]).toEqual([5, 3]);
  expect(hubspot.calls.filter(({ status }) => status === 429)).toEqual([]);
});

test("a wake is heard at once, and a stopped writer takes up nothing", async () => {
  const portal = hubspot.addPortal({ hubId: 3 });
  const stage = await makeStage(database, portal);
  const writer = startCrmWriter({ ...crmWorker(database, hubspot), pollMs: 3_600_000 });
  const [marker] = await people(stage, 1, 1);

  writer.wake();
  await untilWritten(stage, 1);
  await writer.stop();
  const late = await makeIdentity(database, stage, { phone: "919876500000" });
  await makeMessage(database, stage, late.identityId);
  writer.wake();

  expect(loggedMarkers(hubspot, 3)).toEqual([marker]);
});

test("a stop in the middle of a long queue lets no further call leave, and another process goes on", async () => {
  const portal = hubspot.addPortal({ hubId: 6 });
  const stage = await makeStage(database, portal);
  const markers = await people(stage, 20, 2);
  const writer = startCrmWriter(crmWorker(database, hubspot));
  await until(async () => portal.contacts.length > 2, 15_000);

  const before = hubspot.calls.length;
  const startedMs = performance.now();
  await writer.stop();

  expect(performance.now() - startedMs).toBeLessThan(1_000);
  // Those on their way when the word was given; of the side by side searches each may have had its token already.
  expect(hubspot.calls.length - before).toBeLessThanOrEqual(8);
  const left = hubspot.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(hubspot.calls.length).toBe(left);
  await drain(database, crmWorker(database, hubspot), stage);
  expect(loggedMarkers(hubspot, 6).toSorted()).toEqual(markers.toSorted());
  expect(portal.contacts).toHaveLength(20);
}, 60_000);

test("an install that is removed while its writes wait stops being drained", async () => {
  const portal = hubspot.addPortal({ hubId: 4 });
  const stage = await makeStage(database, portal);
  await people(stage, 1, 1);
  await asWorkspaces(database.worker, [stage.workspaceId], (tx) =>
    markUninstalled(tx, stage.workspaceId, stage.installId, new Date()),
  );
  const witness = await makeStage(database, hubspot.addPortal({ hubId: 5 }));
  await people(witness, 1, 1);

  const writer = startCrmWriter(crmWorker(database, hubspot));
  await untilWritten(witness, 1);
  await writer.stop();

  expect(portal.communications).toEqual([]);
  expect((await writesOf(database, stage))[0]?.state).toBe("pending");
});
