import { expect, test } from "vitest";
import { makeLog } from "#core/kit/log.ts";
import { forgetDeadWriters, openWriter } from "#core/store/deliveries.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { keepDeliveries } from "#core/usecases/deliveries/keep-deliveries.ts";
import { connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { textFrom } from "#test/support/payloads.ts";
import { until } from "#test/support/until.ts";

const database = await freshDatabase();
const { owner, worker, app } = database;
const dayMs = 86_400_000;
const clockAt = (now: Date) => ({ now: () => now, monotonicMs: () => 0 });

function keep(now: Date, keptDays = 30) {
  return keepDeliveries({ owner, worker }, { clock: clockAt(now), log: makeLog("silent"), keptDays });
}

async function partitions(): Promise<string[]> {
  const { rows } = await owner.query(`select relname from pg_inherits join pg_class on oid = inhrelid
    where inhparent = 'delivery'::regclass order by 1`);
  return rows.map((row) => row.relname);
}

function body(wamid: string): Buffer {
  return Buffer.from(JSON.stringify(textFrom({ bsuid: "IN.1" }, wamid, 1_795_000_000, "Hello", "kept-number")));
}

test("partitions of today and the next days are made once, and rows of a missing day move into theirs", async () => {
  const day = new Date("2026-03-29T23:59:59.999Z");
  await recordDeliveries(database, [body("w1")], day);
  await keep(day);
  await keep(day);

  expect(await partitions()).toEqual([
    "delivery_20260329",
    "delivery_20260330",
    "delivery_20260331",
    "delivery_20260401",
    "delivery_default",
  ]);
  const { rows } = await owner.query("select tableoid::regclass::text as place from delivery");
  expect(rows).toEqual([{ place: "delivery_20260329" }]);
});

test("a day is dropped when it is older than the setting, but not while something of it is still to be applied", async () => {
  const later = new Date("2026-04-29T12:00:00Z");
  await keep(later);
  expect(await partitions()).toContain("delivery_20260329");

  await connectNumber(database, { phoneNumberId: "kept-number" });
  expect(await drain(database)).toEqual({ applied: 1, parked: 0 });
  await keep(later);

  expect(await partitions()).not.toContain("delivery_20260329");
});

test("what nobody came for within eight days is let go, and no earlier", async () => {
  await recordDeliveries(database, [
    Buffer.from(JSON.stringify(textFrom({ bsuid: "IN.1" }, "w", 1_795_000_000, "x", "nobody"))),
  ]);
  await drain(database);
  const kept = async () => (await owner.query("select count(*)::int as n from unrouted_change")).rows[0].n;

  await keep(new Date(Date.now() + 7.9 * dayMs));
  expect(await kept()).toBe(1);
  await keep(new Date(Date.now() + 8.1 * dayMs));
  expect(await kept()).toBe(0);
});

test("a writer whose connection lives is never forgotten; one that is gone is, once all it wrote is routed", async () => {
  const writers = async () =>
    (await owner.query("select id from delivery_writer order by id")).rows.map((row) => row.id);
  await inTransaction(worker, forgetDeadWriters);
  const client = await app.connect();
  const { id } = await openWriter(client);

  await inTransaction(worker, forgetDeadWriters);
  expect(await writers()).toEqual([id]);

  client.release(true);
  await until(async () => (await inTransaction(worker, forgetDeadWriters)) === 1);
  expect(await writers()).toEqual([]);
});

test("a writer that is gone and left something unrouted is kept until it is routed", async () => {
  await recordDeliveries(database, [body("left")]);
  await inTransaction(worker, forgetDeadWriters);

  expect(await drain(database)).toEqual({ applied: 1, parked: 0 });
});
