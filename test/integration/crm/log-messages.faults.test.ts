import { afterAll, expect, test } from "vitest";
import { sql } from "#core/store/sql.ts";
import { logMessages } from "#core/usecases/crm/log-messages.ts";
import type { Misbehaviour } from "#test/sandbox/hubspot/misbehaviour.ts";
import { startHubspotSimulator } from "#test/sandbox/hubspot/simulator.ts";
import { freshDatabase } from "#test/support/database.ts";
import { until } from "#test/support/until.ts";
import { killablePool } from "./killable.ts";
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
// The search does not show a new contact within a test: who searches right after a lost answer makes a second one.
const hubspot = await startHubspotSimulator({ latency: { p50Ms: 0, p99Ms: 0 }, searchDelayMs: 60_000 });
afterAll(() => hubspot.close());

const PROPERTY = [true, false];
const CALLS_MAX = 20;
let nextHubId = 5_000;

interface Scene {
  stage: Stage;
  hubId: number;
  markers: string[];
  contacts: number;
}

/** Two messages of somebody with a phone, and one of somebody without where the account can hold them. */
async function scene(hasWhatsappId: boolean): Promise<Scene> {
  const portal = hubspot.addPortal({ hubId: nextHubId++, hasWhatsappId });
  const stage = await makeStage(database, portal);
  const { identityId } = await makeIdentity(database, stage, { phone: "919876543210", name: "Asha" });
  const markers = [
    await makeMessage(database, stage, identityId),
    await makeMessage(database, stage, identityId, { direction: "out" }),
  ];
  if (hasWhatsappId) {
    const hidden = await makeIdentity(database, stage, { bsuid: "IN.2081978700112233" });
    markers.push(await makeMessage(database, stage, hidden.identityId));
  }
  return { stage, hubId: portal.hubId, markers, contacts: hasWhatsappId ? 2 : 1 };
}

/** The simulator's clock is not moved by `passTime`; by the time a lease has ended its search has caught up. */
function letSearchCatchUp(hubId: number): void {
  for (const contact of hubspot.portals.get(hubId)?.contacts ?? []) contact.searchableAt = 0;
}

async function expectOnce({ stage, hubId, markers, contacts }: Scene): Promise<void> {
  expect(hubspot.portals.get(hubId)?.contacts).toHaveLength(contacts);
  expect(loggedMarkers(hubspot, hubId).toSorted()).toEqual(markers.toSorted());
  expect((await writesOf(database, stage)).map(({ state }) => state)).toEqual(markers.map(() => "written"));
}

const faults: Record<string, Misbehaviour> = {
  "no answer, nothing done": { does: "hang" },
  "no answer, work done": { does: "work-then-hang" },
  "connection cut, nothing done": { does: "reset" },
  "connection cut, work done": { does: "work-then-reset" },
  "500, nothing done": { status: 500 },
  "500, work done": { does: "work-then-500" },
  "429 of ten seconds": { status: 429, policyName: "TEN_SECONDLY_ROLLING" },
  "423 locked": { status: 423 },
  "477 migrating": { status: 477, headers: { "retry-after": "30" } },
  "401": { status: 401 },
};

for (const hasWhatsappId of PROPERTY) {
  const where = hasWhatsappId ? "with our property" : "without our property";

  test.each(Object.entries(faults))(
    `${where}, a fault at any call ends in one contact and one entry each: %s`,
    async (_, fault) => {
      for (let skip = 0; skip < CALLS_MAX; skip++) {
        const made = await scene(hasWhatsappId);
        const before = hubspot.calls.length;
        const order = hubspot.next({ ...fault, skip });
        const worker = crmWorker(database, hubspot);

        await logMessages(worker, made.stage);
        const wasReached = hubspot.calls.length - before > skip;
        order.cancel();
        letSearchCatchUp(made.hubId);
        await drain(database, worker, made.stage);

        await expectOnce(made);
        if (!wasReached) return;
      }
      throw new Error("There were more calls than expected.");
    },
    60_000,
  );

  test(`${where}, a kill at any touch of the database ends in one contact and one entry each`, async () => {
    for (let at = 1; at < 100; at++) {
      const made = await scene(hasWhatsappId);
      const mortal = killablePool(database.worker, at);
      const doomed = logMessages(crmWorker(database, hubspot, { pool: mortal.pool }), made.stage);
      await Promise.race([mortal.killed, doomed]);
      const survived = mortal.touches() < at;

      letSearchCatchUp(made.hubId);
      // Before the dead one's lease has ended, nobody touches what it held.
      await drain(database, crmWorker(database, hubspot), made.stage);

      await expectOnce(made);
      if (survived) {
        expect(at).toBeGreaterThan(15);
        return;
      }
    }
  }, 60_000);
}

test("a batch whose answer was lost is read back and not written again", async () => {
  const made = await scene(true);
  hubspot.next({ does: "work-then-hang", path: "communications/batch/create" });
  const before = hubspot.calls.length;

  await drain(database, crmWorker(database, hubspot), made.stage);

  await expectOnce(made);
  const creates = hubspot.calls.slice(before).filter(({ path }) => path.endsWith("communications/batch/create"));
  expect(creates).toHaveLength(1);
});

test("after a lost answer nobody looks for the contact before the search must show it, not even for a new message", async () => {
  const made = await scene(false);
  hubspot.next({ does: "work-then-reset", path: "/objects/2026-09/contacts" });
  const worker = crmWorker(database, hubspot);
  await logMessages(worker, made.stage);
  const { rows } = await database.owner.query<{ id: string }>(
    sql`select id from identity where workspace_id = ${made.stage.workspaceId}`,
  );
  const marker = await makeMessage(database, made.stage, rows[0]?.id ?? "");

  await logMessages(worker, made.stage);
  await logMessages(crmWorker(database, hubspot), made.stage);
  letSearchCatchUp(made.hubId);
  await drain(database, worker, made.stage);

  await expectOnce({ ...made, markers: [...made.markers, marker] });
});

test.each(["work-then-hang", "hang"] as const)(
  "a process that was taken for dead changes nothing when it wakes: %s",
  async (does) => {
    const made = await scene(true);
    hubspot.next({ does, path: "communications/batch/create" });
    const before = hubspot.calls.length;
    const sleeper = logMessages(crmWorker(database, hubspot), made.stage);
    await until(() => hubspot.calls.slice(before).some(({ path }) => path.endsWith("communications/batch/create")));

    await passTime(database, 40_000);
    await drain(database, crmWorker(database, hubspot), made.stage);
    await sleeper;

    await expectOnce(made);
  },
);

test("a process that lost its turn sends nothing any more", async () => {
  const made = await scene(true);
  const slow = { now: () => new Date(), monotonicMs: () => performance.now() * 1_000_000 };
  const before = hubspot.calls.length;

  await logMessages(crmWorker(database, hubspot, { clock: slow }), made.stage);

  expect(hubspot.calls.slice(before).filter(({ path }) => path.startsWith("/crm/"))).toEqual([]);
  expect((await writesOf(database, made.stage)).map(({ state }) => state)).toEqual(["pending", "pending", "pending"]);
});
