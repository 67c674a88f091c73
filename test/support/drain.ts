import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { insertDeliveries, openWriter } from "#core/store/deliveries.ts";
import { makeLaneWorker } from "#core/usecases/deliveries/apply-lanes.ts";
import { ParsedDeliveries } from "#core/usecases/deliveries/parsed-deliveries.ts";
import { routeDeliveries } from "#core/usecases/deliveries/route-deliveries.ts";
import type { TestDatabase } from "./database.ts";

/** Stores bodies as the receiver would after it has verified them. */
export async function recordDeliveries(
  database: TestDatabase,
  bodies: readonly Uint8Array[],
  receivedAt = new Date(),
): Promise<void> {
  const client = await database.app.connect();
  try {
    const writer = await openWriter(client);
    await insertDeliveries(client, writer.nextDeliveryId, receivedAt, bodies, false);
  } finally {
    client.release(true);
  }
}

/** Routes and applies all there is, in this process, as one worker. */
export async function drain(
  database: TestDatabase,
  name = "test worker",
): Promise<{ applied: number; parked: number }> {
  const { worker } = database;
  const parsed = new ParsedDeliveries();
  const lanes = makeLaneWorker({ worker, parsed, clock: systemClock, log: makeLog("silent"), name });
  const sum = { applied: 0, parked: 0 };
  while ((await routeDeliveries({ worker, parsed, clock: systemClock, unroutedKeptDays: 8 })) > 0);
  for (const kind of ["live", "history"] as const)
    for (let result = await lanes.round(kind); result; result = await lanes.round(kind)) {
      sum.applied += result.applied;
      sum.parked += result.parked;
    }
  return sum;
}
