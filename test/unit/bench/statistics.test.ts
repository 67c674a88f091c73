import { expect, test } from "vitest";
import { median, percentile, rounded } from "#test/bench/statistics.ts";

test("the median does not mind order, and lies between the two middle values of an even count", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("a percentile is one of the values", () => {
  const values = Array.from({ length: 20 }, (_, at) => 20 - at);

  expect(percentile(values, 0.95)).toBe(19);
  expect(percentile(values, 1)).toBe(20);
  expect(percentile(values, 0)).toBe(1);
  expect(percentile([], 0.95)).toBeNaN();
});

test("figures for people have three digits that count", () => {
  expect([rounded(12345.6), rounded(0.87654), rounded(9.876), rounded(0)]).toEqual([12346, 0.877, 9.88, 0]);
});
