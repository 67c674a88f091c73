import { expect, test } from "vitest";
import { reappliedLines } from "#core/commands/reapply.ts";
import { systemClock } from "#core/kit/clock.ts";
import { insertParked } from "#core/store/parked-items.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { reapplyParked } from "#core/usecases/deliveries/reapply-parked.ts";
import { connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const { owner, worker } = database;
const at = 1_795_000_000;
const nothing = { toLanes: 0, routed: 0, parkedAgain: 0, deliveryGone: 0 };

const reapply = (reason?: string) => reapplyParked({ worker, clock: systemClock, unroutedKeptDays: 8 }, reason);

function body(phoneNumberId: string, wamid: string): Buffer {
  return Buffer.from(JSON.stringify(textFrom({ bsuid: "IN.1" }, wamid, at, `text ${wamid}`, phoneNumberId)));
}

async function refuse(name: string, wamid: string): Promise<void> {
  await owner.query(`alter table message add constraint ${name} check (body is distinct from 'text ${wamid}')`);
}

const allow = (name: string) => owner.query(`alter table message drop constraint ${name}`);

async function wamidsOf(workspaceId: string): Promise<string[]> {
  const { rows } = await owner.query("select wamid from message where workspace_id = $1 order by wamid", [workspaceId]);
  return rows.map((row) => row.wamid);
}

async function parked(): Promise<string[]> {
  const { rows } = await owner.query("select reason from parked_item where reapplied_at is null order by id");
  return rows.map((row) => row.reason);
}

test("with nothing parked nothing happens", async () => {
  expect(await reapply()).toEqual(nothing);
});

test("an item whose reason is gone is applied; one still bad is parked again with the new reason; nothing twice", async () => {
  const { workspaceId } = await connectNumber(database, { phoneNumberId: "again" });
  await refuse("no_one", "one");
  await refuse("no_two", "two");
  await recordDeliveries(database, [body("again", "one"), body("again", "two"), body("again", "three")]);
  await drain(database);
  expect(await parked()).toEqual([expect.stringContaining("no_one"), expect.stringContaining("no_two")]);
  await allow("no_one");
  await allow("no_two");
  await refuse("still_no_two", "two");

  const [first, second] = await Promise.all([reapply(), reapply()]);
  const drained = await drain(database);

  expect(first.toLanes + second.toLanes).toBe(2);
  expect(drained).toEqual({ applied: 1, parked: 1 });
  expect(await wamidsOf(workspaceId)).toEqual(["one", "three"]);
  expect(await parked()).toEqual([expect.stringContaining("still_no_two")]);

  await allow("still_no_two");
  expect(await reapply()).toEqual({ ...nothing, toLanes: 1 });
  expect(await drain(database)).toEqual({ applied: 1, parked: 0 });
  expect(await wamidsOf(workspaceId)).toEqual(["one", "three", "two"]);
  expect(await reapply()).toEqual(nothing);
  expect(await drain(database)).toEqual({ applied: 0, parked: 0 });
});

test("only items whose reason holds the given text are tried again", async () => {
  await connectNumber(database, { phoneNumberId: "chosen" });
  await refuse("no_four", "four");
  await refuse("no_five", "five");
  await recordDeliveries(database, [body("chosen", "four"), body("chosen", "five")]);
  await drain(database);
  await allow("no_four");
  await allow("no_five");

  expect(await reapply("no_five")).toEqual({ ...nothing, toLanes: 1 });
  expect(await parked()).toEqual([expect.stringContaining("no_four")]);
  await reapply();
  await drain(database);
});

test("what was parked before it had a lane is routed when it can be read now, else parked again", async () => {
  const { workspaceId } = await connectNumber(database, { phoneNumberId: "unread" });
  await recordDeliveries(database, [Buffer.from("{ broken"), body("unread", "six")]);
  await drain(database);
  await parkAsUnreadable("six", "an older version could not read this");
  await owner.query("delete from message where workspace_id = $1", [workspaceId]);

  const done = await reapply();
  await drain(database);

  expect(done).toEqual({ ...nothing, routed: 1, parkedAgain: 1 });
  expect(await wamidsOf(workspaceId)).toEqual(["six"]);
  expect(await parked()).toEqual(["not JSON"]);
  await owner.query("update parked_item set reapplied_at = now()");
});

test("an item whose delivery is no longer kept stays parked, and is counted", async () => {
  const item = { workspaceId: undefined, laneId: undefined, changes: undefined, reason: "too old" };
  await inTransaction(worker, (tx) => insertParked(tx, [{ ...item, deliveryId: "77", receivedAt: new Date(0) }]));

  expect(await reapply()).toEqual({ ...nothing, deliveryGone: 1 });
  expect(await parked()).toEqual(["too old"]);
});

test("the command says what it did and what comes next", () => {
  expect(reappliedLines({ toLanes: 3, routed: 1, parkedAgain: 2, deliveryGone: 4 })).toEqual([
    "3 back in their lanes, 1 routed, 2 parked again.",
    "Workers apply them now; npm run doctor shows what they park again, and why.",
    "4 cannot be tried again: their deliveries are older than DELIVERY_KEPT_DAYS.",
  ]);
});

async function parkAsUnreadable(wamid: string, reason: string): Promise<void> {
  const { rows } = await owner.query(
    `select id, received_at from delivery where position(convert_to($1, 'UTF8') in payload) > 0`,
    [`text ${wamid}`],
  );
  const { id: deliveryId, received_at: receivedAt } = rows[0];
  const item = { workspaceId: undefined, laneId: undefined, deliveryId, receivedAt, changes: undefined, reason };
  await inTransaction(worker, (tx) => insertParked(tx, [item]));
}
