import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import { insertDeliveries, openWriter } from "#core/store/deliveries.ts";
import { sql } from "#core/store/sql.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { bodyOf, type Change } from "./data/webhook-bodies.ts";

const BATCH = 500;
const LOOK_MS = 50;
const DRAINED_MS_MAX = 300_000;

/**
 * Records deliveries in bulk, as the web side would have, all visible in one moment; waits until the pipeline in another
 * process has routed and applied them all. Returns how long that took.
 */
export async function recordAndDrain(database: BenchDatabase, changes: readonly Change[]): Promise<number> {
  const bodies = changes.map((change) => Buffer.from(bodyOf(change)));
  const client = await database.app.connect();
  try {
    await client.query("begin");
    const writer = await openWriter(client);
    for (let at = 0; at < bodies.length; at += BATCH) {
      const isLast = at + BATCH >= bodies.length;
      await insertDeliveries(client, writer.nextDeliveryId + at, new Date(), bodies.slice(at, at + BATCH), isLast);
    }
    const beganMs = performance.now();
    await client.query("commit");
    await drained(database.owner, writer.nextDeliveryId + bodies.length - 1, writer.id);
    return performance.now() - beganMs;
  } finally {
    // The session holds the writer's lock: it is not used again.
    client.release(true);
  }
}

async function drained(owner: pg.Pool, lastDeliveryId: number, writerId: number): Promise<void> {
  const deadlineMs = performance.now() + DRAINED_MS_MAX;
  while (performance.now() < deadlineMs) {
    // The queue is only looked at once everything is in it: that look is not free, and it runs beside what is measured.
    const { rows } = await owner.query<{ isDrained: boolean }>(sql`
      select case when routed_through < ${lastDeliveryId} then false else not exists (select from lane_item) end as "isDrained"
      from delivery_writer where id = ${writerId}`);
    if (rows[0]?.isDrained) return;
    await sleep(LOOK_MS);
  }
  throw new Failure("unavailable", "bench.not_drained", `Not applied after ${DRAINED_MS_MAX / 1000} s.`);
}
