import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import type { Metrics } from "#core/kit/metrics.ts";
import type { LaneKind } from "#core/store/lanes.ts";
import { isTransient } from "#core/store/postgres-errors.ts";
import { makeLaneWorker } from "./apply-lanes.ts";
import { ParsedDeliveries } from "./parsed-deliveries.ts";
import { routeDeliveries } from "./route-deliveries.ts";
import { routeUnrouted } from "./route-unrouted.ts";

/** How long a loop with nothing to do waits before it looks again; a wake-up ends the wait at once. */
const idleMs = { busyLately: 25, quiet: 250 };
const busyLatelyMs = 2_000;
const unroutedEveryMs = 10_000;
const failureMs = 500;

export interface PipelineOptions {
  worker: pg.Pool;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  name: string;
  unroutedKeptDays: number;
  /** Conversations that changed, after their transaction is durable. */
  onChanged?: (conversations: ReadonlyMap<string, string>) => void;
}

export interface Pipeline {
  /** Something was recorded: look now. */
  wake(): void;
  /** Finishes the rounds that are under way. */
  stop(): Promise<void>;
}

/**
 * The loops that take deliveries from the record to the store. Two for live lanes, so that one is computing while the
 * other waits for the database; one for history, so that an import never stands before a customer's message.
 */
export function startPipeline(options: PipelineOptions): Pipeline {
  const { worker, clock, log, metrics, unroutedKeptDays } = options;
  const parsed = new ParsedDeliveries();
  const wakers = new Map<string, () => void>();
  const stopping = new AbortController();
  const changes = metrics.counter({
    name: "triveni_lane_items_total",
    help: "Lane items applied or parked",
    labels: ["outcome"],
  });

  async function loop(name: string, work: () => Promise<boolean>): Promise<void> {
    let busyAtMs = Number.NEGATIVE_INFINITY;
    while (!stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => wakers.set(name, resolve));
      try {
        if (await work()) {
          busyAtMs = clock.monotonicMs();
          continue;
        }
        const waitMs = clock.monotonicMs() - busyAtMs < busyLatelyMs ? idleMs.busyLately : idleMs.quiet;
        await Promise.race([woken, pause(waitMs, stopping.signal)]);
      } catch (error) {
        log[isTransient(error) ? "warn" : "error"]({ err: error, loop: name }, "pipeline round failed, trying again");
        await pause(failureMs, stopping.signal);
      }
    }
  }

  function wake(...names: string[]): void {
    for (const name of names) wakers.get(name)?.();
  }

  async function route(): Promise<boolean> {
    const routed = await routeDeliveries({ worker, parsed, clock, unroutedKeptDays });
    if (routed > 0) wake("live 1", "live 2", "history");
    return routed > 0;
  }

  let unroutedAtMs = Number.NEGATIVE_INFINITY;
  async function findHomes(): Promise<boolean> {
    if (clock.monotonicMs() - unroutedAtMs < unroutedEveryMs) return false;
    const routed = await routeUnrouted(worker);
    if (routed === 0) unroutedAtMs = clock.monotonicMs();
    else wake("live 1", "live 2", "history");
    return routed > 0;
  }

  function apply(kind: LaneKind): () => Promise<boolean> {
    const lanes = makeLaneWorker({ ...options, parsed });
    return async () => {
      const result = await lanes.round(kind);
      if (!result) return false;
      changes.inc({ outcome: "applied" }, result.applied);
      changes.inc({ outcome: "parked" }, result.parked);
      wake("route"); // it may have waited for us
      if (result.conversations.size > 0) options.onChanged?.(result.conversations);
      return true;
    };
  }

  const loops = Promise.all([
    loop("route", route),
    loop("homes", findHomes),
    loop("live 1", apply("live")),
    loop("live 2", apply("live")),
    loop("history", apply("history")),
  ]);

  return {
    wake: () => wake("route"),
    async stop() {
      stopping.abort();
      wake(...wakers.keys());
      await loops;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // An aborted wait is a finished one.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
