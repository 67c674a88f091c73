import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import { forgetDeadWriters } from "#core/store/deliveries.ts";
import { dropPartition, makePartitions, partitionsToDrop } from "#core/store/delivery-partitions.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { expireUnrouted } from "#core/store/unrouted-changes.ts";

/** The daily round of the record: days ahead are made, old days dropped, what nobody came for is let go. */
export async function keepDeliveries(
  { owner, worker }: { owner: pg.Pool; worker: pg.Pool },
  { clock, log, keptDays }: { clock: Clock; log: Log; keptDays: number },
): Promise<void> {
  const now = clock.now();
  await makePartitions(owner, now);
  const { droppable, stillNeeded } = await partitionsToDrop(owner, now, keptDays);
  for (const name of droppable) await dropPartition(owner, name);
  if (stillNeeded.length > 0)
    log.error({ days: stillNeeded }, "old deliveries are kept: they are not applied yet. Is a worker running?");
  const expired = await inTransaction(worker, (tx) => expireUnrouted(tx, now));
  const forgotten = await inTransaction(worker, forgetDeadWriters);
  log.info({ dropped: droppable, expired, forgotten }, "deliveries kept");
}
