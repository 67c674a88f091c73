import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "#core/kit/log.ts";
import { nextDelayMs } from "#core/kit/retry.ts";
import type { EmbeddedPostgres } from "./embedded-postgres.ts";

const BASE_MS = 100;
const MAX_MS = 5_000;

export interface Keeper {
  current(): EmbeddedPostgres;
  /** Stops watching, not the server. Waits for a restart that is under way. */
  stop(): Promise<void>;
}

export interface KeepRunning {
  first: EmbeddedPostgres;
  /** Starts the server, or takes over the one that another process has started meanwhile. */
  start(): Promise<EmbeddedPostgres>;
  log: Log;
}

/** Starts the embedded server again whenever it ends under us. Its socket keeps its place, so the pools heal by themselves. */
export function keepRunning({ first, start, log }: KeepRunning): Keeper {
  const told = new AbortController();
  let current = first;

  async function watch(): Promise<void> {
    for (;;) {
      await current.gone(told.signal);
      if (told.signal.aborted) return;
      log.warn({ postgresPid: current.pid }, "PostgreSQL ended without being told to: starting it again");
      const restarted = await untilStarted();
      if (restarted === undefined) return;
      current = restarted;
      log.warn({ postgresPid: current.pid }, `PostgreSQL runs again (pid ${current.pid})`);
    }
  }

  async function untilStarted(): Promise<EmbeddedPostgres | undefined> {
    for (let attempt = 1; !told.signal.aborted; attempt++) {
      try {
        return await start();
      } catch (err) {
        const delayMs = nextDelayMs({ attempt, baseMs: BASE_MS, maxMs: MAX_MS, random: Math.random });
        log.error({ err, delayMs }, "PostgreSQL could not be started again: trying once more");
        // Told to stop while waiting: the loop's condition ends it.
        await sleep(delayMs, undefined, { signal: told.signal, ref: false }).catch(() => {});
      }
    }
    return undefined;
  }

  const watching = watch();
  return {
    current: () => current,
    async stop() {
      told.abort();
      await watching;
    },
  };
}
