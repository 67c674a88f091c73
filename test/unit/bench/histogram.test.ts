import { expect, test } from "vitest";
import { Histogram } from "#test/bench/histogram.ts";

test("percentiles are the smallest duration that so many do not exceed", () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 100; ms++) histogram.record(ms);

  expect(histogram.percentile(0.5)).toBe(50);
  expect(histogram.percentile(0.99)).toBe(99);
  expect(histogram.percentile(1)).toBe(100);
  expect(histogram.percentile(0)).toBe(1);
});

test("durations are kept to a hundredth of a millisecond", () => {
  const histogram = new Histogram();
  histogram.record(1.234);

  expect(histogram.percentile(0.5)).toBe(1.23);
});

test("what is longer than a minute, or negative because a clock jumped, is counted at the edge", () => {
  const histogram = new Histogram();
  histogram.record(-5);
  histogram.record(90_000);

  expect(histogram.total).toBe(2);
  expect(histogram.percentile(0.5)).toBe(0);
  expect(histogram.percentile(1)).toBe(60_000);
});

test("of nothing there is no percentile", () => {
  expect(new Histogram().percentile(0.5)).toBeNaN();
});
