/** Where time comes from. `now` is for facts that are stored; `monotonicMs` is for durations, since the wall clock can jump. */
export interface Clock {
  now(): Date;
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
