import { expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { leaseLanes, nextItems } from "#core/store/lanes.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { applyBatch } from "#core/usecases/deliveries/apply-batch.ts";
import { ParsedDeliveries } from "#core/usecases/deliveries/parsed-deliveries.ts";
import { readItems } from "#core/usecases/deliveries/read-items.ts";
import { routeDeliveries } from "#core/usecases/deliveries/route-deliveries.ts";
import { routeUnrouted } from "#core/usecases/deliveries/route-unrouted.ts";
import { connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const { worker, owner } = database;
const at = 1_795_000_000;
const log = makeLog("silent");

function bodies(phoneNumberId: string, ...wamids: string[]): Buffer[] {
  return wamids.map((wamid) =>
    Buffer.from(JSON.stringify(textFrom({ bsuid: "IN.1" }, wamid, at, `text ${wamid}`, phoneNumberId))),
  );
}

async function wamidsOf(workspaceId: string): Promise<string[]> {
  const { rows } = await owner.query("select wamid from message where workspace_id = $1 order by wamid", [workspaceId]);
  return rows.map((row) => row.wamid);
}

async function route(): Promise<void> {
  while (
    (await routeDeliveries({ worker, parsed: new ParsedDeliveries(), clock: systemClock, unroutedKeptDays: 8 })) > 0
  );
}

/** What a worker holds between leasing and writing: it may be away for a long time now. */
async function leaseAndRead(name: string, leaseMs: number) {
  const lanes = await inTransaction(worker, (tx) =>
    leaseLanes(tx, { kind: "live", after: "0", lanesMax: 10, worker: name, leaseMs }),
  );
  const items = await inTransaction(worker, async (tx) => {
    const pending = await nextItems(
      tx,
      "live",
      lanes.map((lane) => lane.id),
      100,
    );
    return readItems(tx, pending, new Map(lanes.map((lane) => [lane.id, lane])), new ParsedDeliveries());
  });
  return { lanes, write: () => applyBatch({ worker, clock: systemClock, log, name }, items) };
}

test("a worker that was away while its lane was leased anew writes nothing", async () => {
  const number = await connectNumber(database, { phoneNumberId: "fence" });
  await recordDeliveries(database, bodies("fence", "f1"));
  await route();
  const slow = await leaseAndRead("slow", -1);
  const quick = await leaseAndRead("quick", 60_000);

  const late = await slow.write();

  expect({ late: late.applied, stored: await wamidsOf(number.workspaceId) }).toEqual({ late: 0, stored: [] });
  expect((await quick.write()).applied).toBe(1);
  expect(await wamidsOf(number.workspaceId)).toEqual(["f1"]);
  await owner.query("update lane set leased_until = null");
});

test("two workers never lease one lane at once", async () => {
  await connectNumber(database, { phoneNumberId: "twice" });
  await recordDeliveries(database, bodies("twice", "t1"));
  await route();

  const leases = await Promise.all(["one", "two", "three"].map((name) => leaseAndRead(name, 60_000)));

  expect(leases.flatMap(({ lanes }) => lanes).length).toBe(1);
  await owner.query("update lane set leased_until = null, attempts = 0");
  await drain(database);
});

test("an item whose worker died five times is parked alone, and its neighbours are applied", async () => {
  const number = await connectNumber(database, { phoneNumberId: "deadly" });
  await recordDeliveries(database, bodies("deadly", "d1", "d2", "d3"));
  await route();
  await owner.query("update lane set attempts = 5 where workspace_id = $1", [number.workspaceId]);

  const sum = await drain(database);

  // The first is convicted, being alone with the deaths; its success in words clears the lane for the others.
  expect(sum).toEqual({ applied: 2, parked: 1 });
  const { rows } = await owner.query("select reason from parked_item where workspace_id = $1", [number.workspaceId]);
  expect(rows).toEqual([{ reason: "worker died 5 times while applying this" }]);
});

test("a lane whose worker died twice is worked in small bites until it succeeds", async () => {
  const number = await connectNumber(database, { phoneNumberId: "suspicious" });
  await recordDeliveries(database, bodies("suspicious", ...Array.from({ length: 100 }, (_, n) => `b${n}`)));
  await route();
  await owner.query("update lane set attempts = 3 where workspace_id = $1", [number.workspaceId]);

  const sum = await drain(database);

  expect(sum).toEqual({ applied: 100, parked: 0 });
  const { rows } = await owner.query("select attempts from lane where workspace_id = $1", [number.workspaceId]);
  expect(rows).toEqual([{ attempts: 0 }]);
});

test("a row that the database refuses is parked alone with the reason, and the rest of its batch is applied", async () => {
  const number = await connectNumber(database, { phoneNumberId: "refused" });
  await owner.query("alter table message add constraint no_poison check (body is distinct from 'text poison')");
  await recordDeliveries(database, bodies("refused", "r1", "poison", "r2", "r3", "r4"));

  const sum = await drain(database);

  await owner.query("alter table message drop constraint no_poison");
  expect(sum).toEqual({ applied: 4, parked: 1 });
  expect(await wamidsOf(number.workspaceId)).toEqual(["r1", "r2", "r3", "r4"]);
  const { rows } = await owner.query("select reason from parked_item where workspace_id = $1", [number.workspaceId]);
  expect(rows[0].reason).toMatch(/^refused: .*no_poison/);
});

test("changes of a number that nobody has connected are kept, and applied once somebody does", async () => {
  await recordDeliveries(database, bodies("later", "l1", "l2"));
  await drain(database);
  const { rows } = await owner.query(
    "select count(*)::int as kept from unrouted_change where phone_number_id = 'later'",
  );
  expect(rows[0].kept).toBe(2);

  const number = await connectNumber(database, { phoneNumberId: "later" });
  await routeUnrouted(worker);
  await drain(database);

  expect(await wamidsOf(number.workspaceId)).toEqual(["l1", "l2"]);
});
