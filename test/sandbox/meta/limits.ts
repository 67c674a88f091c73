const SECOND_MS = 1_000;
const PAIR_BURST = 45;
const PAIR_REFILL_MS = 6_000;

/** Messages in and out of one number in the last second, as they arrive: latency delays only the answers. */
export class SlidingSecond {
  readonly #limit: number;
  #arrivals: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a message that was let through; inbound ones count too and are never refused. */
  note(atMs: number): void {
    this.#arrivals.push(atMs);
  }

  isFull(atMs: number): boolean {
    this.#arrivals = this.#arrivals.filter((earlier) => earlier > atMs - SECOND_MS);
    return this.#arrivals.length >= this.#limit;
  }
}

/** One message to the same person every 6 s, with a burst of 45 borrowed from the future (whatsapp.md 7). */
export class PairRate {
  readonly #pairs = new Map<string, { tokens: number; atMs: number }>();

  take(pair: string, atMs: number): boolean {
    const known = this.#pairs.get(pair) ?? { tokens: PAIR_BURST, atMs };
    const tokens = Math.min(PAIR_BURST, known.tokens + (atMs - known.atMs) / PAIR_REFILL_MS);
    this.#pairs.set(pair, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs });
    return tokens >= 1;
  }
}
