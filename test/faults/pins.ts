import { setTimeout as sleep } from "node:timers/promises";
import type { Owner } from "./database-server.ts";
import { seen } from "./stage.ts";

/** One lock is held so long; then everybody gets on for a moment, because the wrong process may have come first. */
const heldMs = 1_500;
const freeMs = 350;
/** The server hears of its own deliveries first, so the second worker comes to a lane now and then only. */
const tryMs = 45_000;

/** Holds the lock of `statement` until `act` answers true; says whether it did. */
export async function pinned(owner: Owner, statement: string, act: () => Promise<true | undefined>): Promise<boolean> {
  const deadline = performance.now() + tryMs;
  while (performance.now() < deadline) {
    const release = await owner.hold(statement);
    const acted = await seen(act, heldMs);
    await release();
    if (acted) return true;
    await sleep(freeMs);
  }
  return false;
}
