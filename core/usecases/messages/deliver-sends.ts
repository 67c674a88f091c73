import { hostname } from "node:os";
import type pg from "pg";
import { v7 as newId } from "uuid";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import type { Sealer } from "#core/kit/seal.ts";
import type { Graph } from "#core/whatsapp/graph.ts";
import { pause } from "./pause.ts";
import type { SenderContext } from "./sender-context.ts";
import { settleSends } from "./settle-sends.ts";
import { Turns } from "./turns.ts";

export interface SenderOptions {
  worker: pg.Pool;
  graph: Graph;
  sealer: Sealer;
  clock: Clock;
  log: Log;
  /** SEND_SETTLE_MINUTES: after this long without an answer or status a person is told. */
  settleMs: number;
  random?: () => number;
  /** How long `stop` waits for calls under way. */
  stopMs?: number;
}

export interface Sender {
  /** Something was queued: look now. */
  wake(): void;
  /**
   * Claims nothing more, waits for the calls under way and writes down their answers. Not for ever: what has no answer
   * by then stays claimed, and its status settles it.
   */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 500;
const SETTLE_EVERY_MS_MAX = 60_000;

/** A call of Meta at its longest, and the time to write its answer down. */
const STOP_MS_MAX = 20_000;

/** Delivers the outbox: any number of processes may run it, each number has one sender at a time. */
export function startSender(options: SenderOptions): Sender {
  const { log, settleMs, stopMs = STOP_MS_MAX } = options;
  const context: SenderContext = { random: Math.random, ...options, name: `${hostname()}/${process.pid}/${newId()}` };
  const stopping = new AbortController();
  let nudge = new AbortController();
  const turns = new Turns(context, stopping.signal, wake);

  function wake(): void {
    nudge.abort();
    nudge = new AbortController();
  }

  /** `cut` is asked before the work: a wake that comes during it counts. */
  async function repeat(work: () => Promise<unknown>, everyMs: number, cut: () => AbortSignal): Promise<void> {
    while (!stopping.signal.aborted) {
      const signal = cut();
      await work().catch((err: unknown) => log.warn({ err }, "the outbox could not be read; looking again"));
      await pause(everyMs, signal);
    }
  }

  const looking = repeat(
    () => turns.look(),
    LOOK_EVERY_MS,
    () => nudge.signal,
  );
  const settling = repeat(
    () => settleSends(options),
    Math.min(SETTLE_EVERY_MS_MAX, settleMs / 4),
    () => stopping.signal,
  );

  return {
    wake,
    async stop() {
      stopping.abort();
      wake();
      const inTime = new AbortController();
      const ended = Promise.all([looking, settling]).then(() => turns.ended());
      await Promise.race([ended.finally(() => inTime.abort()), pause(stopMs, inTime.signal)]);
      if (turns.underWay > 0) log.warn({ underWay: turns.underWay }, "stopped before every answer came");
    },
  };
}
