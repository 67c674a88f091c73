const TICKS_PER_MS = 100;
const TICKS_MAX = 60_000 * TICKS_PER_MS;

/** Counts durations in steps of 10 us up to a minute: recording is one addition, and a percentile is exact to a step. */
export class Histogram {
  readonly #counts = new Uint32Array(TICKS_MAX + 1);
  #total = 0;

  record(ms: number): void {
    const tick = Math.round(ms * TICKS_PER_MS);
    const at = Math.min(Math.max(tick, 0), TICKS_MAX);
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#total += 1;
  }

  get total(): number {
    return this.#total;
  }

  /** The smallest duration that `share` (0 to 1) of all recorded ones do not exceed; NaN when there are none. */
  percentile(share: number): number {
    if (this.#total === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (let at = 0; at <= TICKS_MAX; at++) {
      seen += this.#counts[at] as number;
      if (seen >= wanted) return at / TICKS_PER_MS;
    }
    return Number.NaN;
  }
}
