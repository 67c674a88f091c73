import { setTimeout as sleep } from "node:timers/promises";

/** Waits, or until it is cut short; that is no error. */
export async function pause(ms: number, cut: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: cut }).catch(() => undefined);
}
