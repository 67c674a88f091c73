import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#core/kit/failure.ts";

const POLL_MS = 20;

/** Longer than the recovery of a large database; then somebody else holds the name. */
const TURN_MS_MAX = 120_000;

/**
 * Runs `work` while no other process of this machine runs it for the same `place`. Clearing a dead server's lock file is
 * only safe when nobody starts a server between the look and the removal. The lock is an abstract socket of Linux:
 * it leaves no file and vanishes with its process, however that ends. Elsewhere PostgreSQL's own lock file must do.
 */
export async function inStartTurn<T>(place: string, work: () => Promise<T>): Promise<T> {
  if (process.platform !== "linux") return work();
  const name = `\0triveni-${process.getuid?.()}-${createHash("sha256").update(place).digest("hex").slice(0, 24)}`;
  const release = await taken(name, place);
  try {
    return await work();
  } finally {
    release();
  }
}

async function taken(name: string, place: string): Promise<() => void> {
  const deadline = performance.now() + TURN_MS_MAX;
  for (;;) {
    const server = createServer();
    try {
      server.listen(name);
      await once(server, "listening");
      server.unref();
      return () => server.close();
    } catch (cause) {
      if (performance.now() > deadline) {
        const message = `Another process has been starting PostgreSQL in ${place} for two minutes. Stop it, then start again.`;
        throw new Failure("unavailable", "store.start_turn", message, { cause });
      }
      await sleep(POLL_MS);
    }
  }
}
