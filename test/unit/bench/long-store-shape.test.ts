import { expect, test } from "vitest";
import {
  conversationCount,
  conversationOf,
  kindOf,
  longStoreShape,
  sentAtUs,
} from "#test/bench/data/long-store-shape.ts";

const nowMs = Date.UTC(2026, 10, 22);

test("every message lies in one conversation, and each conversation has its size", () => {
  const shape = longStoreShape(100_000, 300, nowMs);
  const sizes = new Map<number, number>();
  for (let serial = 1; serial <= shape.messages; serial++) {
    const conversation = conversationOf(shape, serial);
    sizes.set(conversation, (sizes.get(conversation) ?? 0) + 1);
  }

  expect(sizes.size).toBe(conversationCount(shape));
  expect(sizes.get(0)).toBe(10_000);
  expect(new Set(sizes.values())).toEqual(new Set([10_000, 200, 30]));
  for (const [conversation, size] of sizes) expect(shape.kinds[kindOf(shape, conversation)]?.size).toBe(size);
});

test("10 million messages hold twenty conversations of 50,000", () => {
  const shape = longStoreShape(10_000_000, 300, nowMs);

  expect(shape.messages).toBe(10_000_000);
  expect(shape.kinds[0]).toEqual({ conversations: 20, size: 50_000 });
});

test("the newest message is older than now, and neighbours in time are of different conversations", () => {
  const shape = longStoreShape(100_000, 300, nowMs);

  expect(sentAtUs(shape, shape.messages)).toBeLessThan(BigInt(nowMs) * 1000n);
  const neighbours = Array.from({ length: 100 }, (_, at) => conversationOf(shape, 1000 + at));
  expect(new Set(neighbours).size).toBeGreaterThan(80);
});
