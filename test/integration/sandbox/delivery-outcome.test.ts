import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { outcomeOf, untilApplied } from "#test/sandbox/delivery-outcome.ts";
import { freshDatabase } from "#test/support/database.ts";

const WRITER = 3;
const DELIVERY = String(WRITER * 2 ** 32 + 1);
const workspaceId = randomUUID();
const { owner } = await freshDatabase();

beforeEach(async () => {
  await owner.query("truncate delivery_writer, lane_item, parked_item, unrouted_change, kept_change");
});

const routedThrough = (id: string | number) =>
  owner.query(
    `insert into delivery_writer (id, routed_through) overriding system value values (${WRITER}, $1)
     on conflict (id) do update set routed_through = excluded.routed_through`,
    [id],
  );
const inLane = (changes: number[] | null) =>
  owner.query(
    "insert into lane_item (kind, lane_id, delivery_id, received_at, bytes, changes) values (0, 1, $1, now(), 1, $2)",
    [DELIVERY, changes],
  );
const parked = (changes: number[] | null) =>
  owner.query("insert into parked_item (delivery_id, received_at, changes, reason) values ($1, now(), $2, 'test')", [
    DELIVERY,
    changes,
  ]);
const kept = (change: number, position: number) =>
  owner.query(
    `insert into kept_change (workspace_id, delivery_id, change, position, field, reason, payload, kept_at)
     values ($1, $2, $3, $4, 'messages', 'test', '{}', now())`,
    [workspaceId, DELIVERY, change, position],
  );

test("a delivery that was answered and is not in the record is lost with all its changes", async () => {
  expect(await outcomeOf(owner, undefined, 4)).toMatchObject({ changes: 4, applied: 0, lost: 4 });
});

test("a delivery that the router has not reached is lost", async () => {
  await routedThrough(WRITER * 2 ** 32);

  expect(await untilApplied(owner, DELIVERY, 0)).toBe(false);
  expect(await outcomeOf(owner, DELIVERY, 2)).toMatchObject({ applied: 0, lost: 2 });
});

test("changes that still wait in a lane are lost, those that left it are applied", async () => {
  await routedThrough(DELIVERY);
  await inLane([1, 2]);

  expect(await untilApplied(owner, DELIVERY, 0)).toBe(false);
  expect(await outcomeOf(owner, DELIVERY, 3)).toMatchObject({ applied: 1, lost: 2 });
});

test("a delivery that no lane holds is applied", async () => {
  await routedThrough(DELIVERY);

  expect(await untilApplied(owner, DELIVERY, 0)).toBe(true);
  expect(await outcomeOf(owner, DELIVERY, 3)).toMatchObject({ changes: 3, applied: 3, kept: 0, parked: 0, lost: 0 });
});

test("parked changes are counted by change, kept ones by what was kept", async () => {
  await routedThrough(DELIVERY);
  await parked([4]);
  await kept(0, 0);
  await kept(0, 1);

  expect(await outcomeOf(owner, DELIVERY, 5)).toMatchObject({ applied: 3, kept: 2, parked: 1, lost: 0 });
});

test("a delivery parked as a whole has no applied change", async () => {
  await routedThrough(DELIVERY);
  await parked(null);

  expect(await outcomeOf(owner, DELIVERY, 5)).toMatchObject({ applied: 0, parked: 5, lost: 0 });
});
