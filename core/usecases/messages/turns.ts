import { type NumberKey, selectNumbersWithSends } from "#core/store/sender-numbers.ts";
import { takeTurn } from "./number-sender.ts";
import type { SenderContext } from "./sender-context.ts";

const TURNS_AT_ONCE_MAX = 16;

/** How long a number is left alone. Meanwhile it takes no turn from others. */
const AFTER_ERROR_MS = 5_000;
const AFTER_PAUSE_MS = 1_000;
const AFTER_NOTHING_MS = 200;

/** Gives turns to the numbers that have something to send: in a circle, so many at once. */
export class Turns {
  readonly #context: SenderContext;
  readonly #stopping: AbortSignal;
  readonly #onFree: () => void;
  readonly #taken = new Set<string>();
  /** By our own clock. */
  readonly #restingUntilMs = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  #lastNumberId = "0";

  /** `onFree`: another look would find something to do. */
  constructor(context: SenderContext, stopping: AbortSignal, onFree: () => void) {
    this.#context = context;
    this.#stopping = stopping;
    this.#onFree = onFree;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  async look(): Promise<void> {
    const { clock, worker } = this.#context;
    const nowMs = clock.monotonicMs();
    for (const [numberId, untilMs] of this.#restingUntilMs) {
      if (untilMs <= nowMs) this.#restingUntilMs.delete(numberId);
    }
    for (const key of await selectNumbersWithSends(worker, clock.now(), this.#lastNumberId)) {
      if (this.#stopping.aborted || this.#taken.size >= TURNS_AT_ONCE_MAX) return;
      this.#lastNumberId = key.numberId;
      if (!this.#taken.has(key.numberId) && !this.#restingUntilMs.has(key.numberId)) this.#track(this.#begin(key));
    }
  }

  /** When every turn is over and every call's answer is written down. */
  async ended(): Promise<void> {
    // A turn that ends may have begun a call.
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #begin(key: NumberKey): Promise<void> {
    this.#taken.add(key.numberId);
    const onCall = (call: Promise<void>) => this.#track(call);
    let restMs: number;
    try {
      const { moved, isPaused } = await takeTurn(this.#context, key, { stopping: this.#stopping, onCall });
      restMs = isPaused ? AFTER_PAUSE_MS : moved > 0 ? 0 : AFTER_NOTHING_MS;
    } catch (err) {
      this.#context.log.error({ ...key, err }, "sending of a number failed; it rests");
      restMs = AFTER_ERROR_MS;
    }
    const wasFull = this.#taken.size === TURNS_AT_ONCE_MAX;
    this.#taken.delete(key.numberId);
    if (restMs > 0) this.#restingUntilMs.set(key.numberId, this.#context.clock.monotonicMs() + restMs);
    // More may have been queued here while the last one was on its way, and others may have waited for this place.
    if (restMs === 0 || wasFull) this.#onFree();
  }

  #track(work: Promise<void>): void {
    const done = work.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }
}
