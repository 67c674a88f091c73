import cron from "node-cron";
import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import { keepDeliveriesJob } from "./catalog.ts";
import { enqueue } from "./enqueue.ts";

/** node-cron fires in every process: a tick only enqueues, under a key that makes it one job. */
export function startSchedule(worker: pg.Pool, clock: Clock, log: Log): { stop(): Promise<void> } {
  const tick = async () => {
    const day = clock.now().toISOString().slice(0, 13);
    try {
      await enqueue(worker, keepDeliveriesJob, { day }, `${keepDeliveriesJob.name} ${day}`);
    } catch (error) {
      log.warn({ err: error }, "a scheduled job was not enqueued; the next tick tries again");
    }
  };
  const hourly = cron.schedule("7 * * * *", tick);
  return { stop: async () => void (await hourly.stop()) };
}
