import { type Answer, tooMany } from "./answers.ts";
import type { Portal } from "./portal.ts";

const CALLS_MAX = 110;
const CALLS_WINDOW_MS = 10_000;
const SEARCHES_MAX = 5;
const SEARCHES_WINDOW_MS = 1_000;

/** Counts a call when it arrives, refused ones included, in a window that slides. Searches count apart. */
export function limit(portal: Portal, isSearch: boolean, now: number): Answer | undefined {
  const times = isSearch ? portal.searches : portal.arrivals;
  const [max, windowMs] = isSearch ? [SEARCHES_MAX, SEARCHES_WINDOW_MS] : [CALLS_MAX, CALLS_WINDOW_MS];
  times.push(now);
  while ((times[0] ?? now) <= now - windowMs) times.shift();
  if (times.length <= max) return undefined;
  return tooMany(isSearch ? "SECONDLY" : "TEN_SECONDLY_ROLLING");
}

export function limitHeaders(portal: Portal): Record<string, string> {
  return {
    "x-hubspot-ratelimit-max": String(CALLS_MAX),
    "x-hubspot-ratelimit-remaining": String(Math.max(0, CALLS_MAX - portal.arrivals.length)),
    "x-hubspot-ratelimit-interval-milliseconds": String(CALLS_WINDOW_MS),
  };
}
