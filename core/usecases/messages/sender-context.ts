import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import type { Sealer } from "#core/kit/seal.ts";
import type { NumberKey, SenderNumber } from "#core/store/sender-numbers.ts";
import type { Graph } from "#core/whatsapp/graph.ts";

/** What a sender works with. */
export interface SenderContext {
  worker: pg.Pool;
  graph: Graph;
  sealer: Sealer;
  clock: Clock;
  log: Log;
  /** Unique over all processes: leases and claims carry it. */
  name: string;
  /** 0 to 1, for jitter. */
  random: () => number;
}

/** A number with its token opened. It lives as long as one call, and never in a log. */
export interface OpenedNumber extends NumberKey, Omit<SenderNumber, "tokenSealed"> {
  token: string;
}

/**
 * Meta's limit counts messages in and out over a sliding second (whatsapp.md 7). We pace what goes out; what comes in is
 * not subtracted, so a number that is written to while it sends at its limit meets 130429 and pauses (README).
 */
export function messagesPerSecond({ isCoexistence }: { isCoexistence: boolean }): number {
  return isCoexistence ? 20 : 80;
}
