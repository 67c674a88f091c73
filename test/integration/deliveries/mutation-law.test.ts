import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { mutated, webhookBodies } from "#test/support/mutated-webhooks.ts";

const database = await freshDatabase();
setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;

const perRound = 1_000;
const rounds = 10;

test("10,000 mutated webhooks never throw out of apply, never hold up what is sound, and leave no memory behind", async () => {
  const number = await connectNumber(database, { phoneNumberId: "527000000000001", wabaId: "364000000000001" });
  const heap: number[] = [];

  for (let round = 0; round < rounds; round++) {
    const bodies = fc.sample(mutated, { numRuns: perRound, seed: round }).map((body) => Buffer.from(body));
    await recordDeliveries(database, [...bodies, ...webhookBodies.map((body) => Buffer.from(JSON.stringify(body)))]);
    await drain(database);
    collect();
    heap.push(process.memoryUsage().heapUsed);
  }

  const { rows } = await database.owner.query(
    `select
    (select count(*)::int from delivery) as recorded, (select count(*)::int from lane_item) as waiting,
    (select count(*)::int from message where workspace_id = $1 and wamid like 'sound.%') as sound,
    (select count(*)::int from parked_item where reason like 'worker%') as killers`,
    [number.workspaceId],
  );
  expect(rows[0]).toEqual({ recorded: rounds * (perRound + webhookBodies.length), waiting: 0, sound: 3, killers: 0 });
  expect(await reasons()).toEqual([]);
  // The first rounds fill caches that are bounded; after them the heap must not follow the work.
  expect((heap.at(-1) as number) - (heap[3] as number)).toBeLessThan(30 * 1024 * 1024);
}, 120_000);

/** Why things were parked, but for what is not JSON any more: each other reason is a shape we should have read. */
async function reasons(): Promise<unknown[]> {
  const { rows } =
    await database.owner.query(`select distinct regexp_replace(reason, '\\d+', 'N') as reason from parked_item
    where reason not in ('not JSON', 'no entry list', 'no changes', 'nested too deep', 'too many values')`);
  return rows;
}
