import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 10;
const DEADLINE_MS = 10_000;

/** Waits until `holds` is true. An error counts as not yet; the last one is the cause when the deadline passes. */
export async function until(holds: () => Promise<boolean> | boolean, deadlineMs = DEADLINE_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    let cause: unknown;
    try {
      if (await holds()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`Not true after ${deadlineMs} ms: ${holds}`, { cause });
    await sleep(POLL_MS);
  }
}
