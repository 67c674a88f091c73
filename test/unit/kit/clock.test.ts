import { expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";

test("the system's clock tells the time, and durations that never run backwards", () => {
  const before = systemClock.monotonicMs();

  expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(1_000);
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
});
