import { afterEach, expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { forgetDeadWriters, insertDeliveries, openWriter } from "#core/store/deliveries.ts";
import { inTransaction, type Tx } from "#core/store/transaction.ts";
import { ParsedDeliveries } from "#core/usecases/deliveries/parsed-deliveries.ts";
import { routeDeliveries } from "#core/usecases/deliveries/route-deliveries.ts";
import { freshDatabase } from "#test/support/database.ts";
import { until } from "#test/support/until.ts";

const database = await freshDatabase();
const { app, owner, worker } = database;

afterEach(async () => {
  await owner.query("delete from delivery; delete from delivery_writer; delete from parked_item");
});

test("a writer that is just opening is not forgotten before it has its lock", async () => {
  const client = await app.connect();
  // The daily round passes between any two statements of the writer.
  const query = client.query.bind(client) as (statement: unknown) => Promise<unknown>;
  const watched = {
    async query(statement: unknown) {
      await inTransaction(worker, forgetDeadWriters);
      return query(statement);
    },
  } as unknown as Tx;
  const writer = await openWriter(watched);

  await insertDeliveries(client, writer.nextDeliveryId, new Date(), [Buffer.from("acknowledged")], false);
  client.release(true);

  expect(await routed()).toBe(1);
});

test("a writer that commits its last delivery while the dead are being forgotten is not forgotten with them", async () => {
  const dead = await app.connect();
  const { id: deadId } = await openWriter(dead);
  dead.release(true);
  const client = await app.connect();
  const writer = await openWriter(client);
  await until(async () => (await owner.query("select from pg_locks where locktype = 'advisory'")).rowCount === 1);
  const holder = await owner.connect();
  await holder.query("begin");
  await holder.query("select from delivery_writer where id = $1 for update", [deadId]);

  // It has looked at the deliveries, and waits for the first writer's row.
  const forgetting = inTransaction(worker, forgetDeadWriters);
  await until(
    async () =>
      (
        await owner.query(
          "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%delivery_writer%'",
        )
      ).rowCount === 1,
  );
  await insertDeliveries(client, writer.nextDeliveryId, new Date(), [Buffer.from("acknowledged")], false);
  client.release(true);
  await until(
    async () =>
      (await owner.query("select from pg_locks where locktype = 'advisory' and objid = $1", [writer.id])).rowCount ===
      0,
  );
  await holder.query("rollback");
  holder.release();
  await forgetting;

  expect(await routed()).toBe(1);
});

function routed(): Promise<number> {
  return routeDeliveries({ worker, parsed: new ParsedDeliveries(), clock: systemClock, unroutedKeptDays: 8 });
}
