/** Of the answer: half are faster than p50, one in a hundred reaches p99. */
export interface Latency {
  p50Ms: number;
  p99Ms: number;
}

/** What the real one feels like from India. */
export const hostile: Latency = { p50Ms: 150, p99Ms: 1_000 };

const Z_OF_P99 = 2.326;

/** Log-normal through both points: a hump below the median and a long tail. Repeatable for a seed. */
export function latencySampler({ p50Ms, p99Ms }: Latency, random: () => number): () => number {
  if (p50Ms <= 0 || p99Ms <= p50Ms) return () => p50Ms;
  const spread = Math.log(p99Ms / p50Ms) / Z_OF_P99;
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(3 * p99Ms, p50Ms * Math.exp(spread * normal));
  };
}

export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
