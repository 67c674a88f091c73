export interface RetryFacts {
  /** 1 for the wait after the first try. */
  attempt: number;
  baseMs: number;
  maxMs: number;
  /** What the other side asked for; obeyed even beyond `maxMs`. */
  retryAfterMs?: number | undefined;
  /** 0 to 1, as `Math.random` gives it: handed in, so that this stays pure. */
  random: () => number;
}

/**
 * How long to wait before the next try: doubling from `baseMs` up to `maxMs`, half of it jittered,
 * so that many callers that failed together do not come back together.
 */
export function nextDelayMs({ attempt, baseMs, maxMs, retryAfterMs, random }: RetryFacts): number {
  const fullMs = Math.min(maxMs, baseMs * 2 ** Math.max(0, attempt - 1));
  const jitteredMs = fullMs / 2 + (random() * fullMs) / 2;
  if (retryAfterMs === undefined) return Math.round(jitteredMs);

  // Never sooner than asked; the jitter comes on top, or all waiters would return in the same millisecond.
  return Math.round(Math.max(jitteredMs, retryAfterMs + random() * baseMs));
}

/** Milliseconds that a `Retry-After` header asks for (seconds or an HTTP date); undefined when absent or unreadable. */
export function parseRetryAfter(header: string | null | undefined, now: Date): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);

  // Date.parse would read "-5" or "7x" as a year: an HTTP date always names its weekday first.
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
