import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import { lockWorkspacesOf } from "#core/store/numbers.ts";
import { markUnconfirmed } from "#core/store/send-claims.ts";
import { selectNumbersWithStaleSends } from "#core/store/sender-numbers.ts";
import { asWorkspaces } from "#core/store/transaction.ts";

/** Without any later send of the number to prove that statuses reach us, a person is told after this many times as long. */
const LONG_FACTOR = 4;

/**
 * Tells people of sends whose answer was lost: "not confirmed, probably not sent" (architecture 3.6). Nothing is sent
 * again by a machine; a status that comes later still confirms. Returns how many it told.
 */
export async function settleSends(options: {
  worker: pg.Pool;
  clock: Clock;
  log: Log;
  settleMs: number;
}): Promise<number> {
  const { worker, clock, log, settleMs } = options;
  const at = clock.now();
  const bounds = {
    claimedBefore: new Date(at.getTime() - settleMs),
    claimedLongBefore: new Date(at.getTime() - LONG_FACTOR * settleMs),
    at,
  };
  let told = 0;
  for (const key of await selectNumbersWithStaleSends(worker, bounds.claimedBefore)) {
    const count = await asWorkspaces(worker, [key.workspaceId], async (tx) => {
      await lockWorkspacesOf(tx, [key]);
      return markUnconfirmed(tx, key, bounds);
    }).catch((err: unknown) => {
      // The others are told in this round all the same; this one comes again in the next.
      log.warn({ ...key, err }, "lost answers of a number could not be settled");
      return 0;
    });
    if (count > 0) log.warn({ ...key, count }, "sends were not confirmed");
    told += count;
  }
  return told;
}
