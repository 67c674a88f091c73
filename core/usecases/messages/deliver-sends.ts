import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { v7 as newId } from "uuid";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import type { Sealer } from "#core/kit/seal.ts";
import { type NumberKey, selectNumbersWithSends } from "#core/store/sender-numbers.ts";
import type { Graph } from "#core/whatsapp/graph.ts";
import { deliverNumber } from "./number-sender.ts";
import type { SenderContext } from "./sender-context.ts";
import { settleSends } from "./settle-sends.ts";

export interface SenderOptions {
  worker: pg.Pool;
  graph: Graph;
  sealer: Sealer;
  clock: Clock;
  log: Log;
  /** SEND_SETTLE_MINUTES: after this long without an answer or status a person is told. */
  settleMs: number;
  random?: () => number;
}

export interface Sender {
  /** Something was queued: look now. */
  wake(): void;
  /** Claims nothing more, waits for the calls under way and writes down their answers. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 500;
const SETTLE_EVERY_MS_MAX = 60_000;
const NUMBERS_AT_ONCE_MAX = 16;
const AFTER_ERROR_MS = 5_000;

/** Delivers the outbox: any number of processes may run it, each number has one sender at a time. */
export function startSender(options: SenderOptions): Sender {
  const context: SenderContext = { random: Math.random, ...options, name: `${hostname()}/${process.pid}/${newId()}` };
  const stopping = new AbortController();
  let nudge = new AbortController();
  const busy = new Map<string, Promise<void>>();

  const loop = (async () => {
    let settledMs = Number.NEGATIVE_INFINITY;
    while (!stopping.signal.aborted) {
      const nudged = nudge.signal;
      try {
        for (const key of await selectNumbersWithSends(options.worker, options.clock.now())) {
          if (busy.size < NUMBERS_AT_ONCE_MAX && !busy.has(key.numberId)) work(key);
        }
        const sinceMs = options.clock.monotonicMs() - settledMs;
        if (sinceMs >= Math.min(SETTLE_EVERY_MS_MAX, options.settleMs / 4)) {
          settledMs = options.clock.monotonicMs();
          await settleSends(options);
        }
      } catch (err) {
        options.log.warn({ err }, "the outbox could not be read; looking again");
      }
      await pause(LOOK_EVERY_MS, AbortSignal.any([nudged, stopping.signal]));
    }
    await Promise.all(busy.values());
  })();

  function work(key: NumberKey): void {
    const done = deliverNumber(context, key, stopping.signal)
      .then((count) => {
        busy.delete(key.numberId);
        // Something may have been queued while the last one was on its way. Nothing sent: no need to hurry.
        if (count > 0) wake();
      })
      .catch(async (err: unknown) => {
        options.log.error({ err, numberId: key.numberId, workspaceId: key.workspaceId }, "sending of a number failed");
        await pause(AFTER_ERROR_MS, stopping.signal);
      })
      .finally(() => busy.delete(key.numberId));
    busy.set(key.numberId, done);
  }

  function wake(): void {
    nudge.abort();
    nudge = new AbortController();
  }

  return {
    wake,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

async function pause(ms: number, cut: AbortSignal): Promise<void> {
  // An aborted sleep is a pause cut short, nothing else.
  await sleep(ms, undefined, { signal: cut }).catch(() => undefined);
}
