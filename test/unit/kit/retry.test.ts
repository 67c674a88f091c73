import fc from "fast-check";
import { expect, test } from "vitest";
import { nextDelayMs, parseRetryAfter } from "#core/kit/retry.ts";

const now = new Date("2026-11-22T12:00:00Z");

test.for([undefined, null, "", " ", "soon", "-5", "7x", "NaN"])(
  "an unreadable Retry-After %j asks for nothing",
  (header) => {
    expect(parseRetryAfter(header, now)).toBeUndefined();
  },
);

test("Retry-After is read as seconds or as an HTTP date, and never as a time in the past", () => {
  expect(parseRetryAfter("120", now)).toBe(120_000);
  expect(parseRetryAfter("0", now)).toBe(0);
  expect(parseRetryAfter("Sun, 22 Nov 2026 12:00:30 GMT", now)).toBe(30_000);
  expect(parseRetryAfter("Sun, 22 Nov 2026 11:00:00 GMT", now)).toBe(0);
});

test("the delay never exceeds its maximum, nor falls below half of the doubling", () => {
  const facts = fc.record({
    attempt: fc.integer({ min: 1, max: 5000 }),
    baseMs: fc.integer({ min: 1, max: 10_000 }),
    maxMs: fc.integer({ min: 10_000, max: 600_000 }),
    chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });

  fc.assert(
    fc.property(facts, ({ attempt, baseMs, maxMs, chance }) => {
      const delayMs = nextDelayMs({ attempt, baseMs, maxMs, random: () => chance });
      const fullMs = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
      expect(delayMs).toBeGreaterThanOrEqual(Math.floor(fullMs / 2));
      expect(delayMs).toBeLessThanOrEqual(maxMs);
    }),
  );
});

test("Retry-After is obeyed even beyond the maximum, with jitter on top of it", () => {
  const facts = { attempt: 1, baseMs: 100, maxMs: 1000, retryAfterMs: 60_000 };

  expect(nextDelayMs({ ...facts, random: () => 0 })).toBe(60_000);
  expect(nextDelayMs({ ...facts, random: () => 0.5 })).toBe(60_050);
});
