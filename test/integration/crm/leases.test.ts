import { expect, test } from "vitest";
import { pauseBucket, takeTokens } from "#core/store/buckets.ts";
import { abandonLeases, acquireLeases, releaseLeases, renewLeases } from "#core/store/leases.ts";
import { freshDatabase } from "#test/support/database.ts";
import { passTime } from "./stage.ts";

const database = await freshDatabase();
const pool = database.worker;
const MINUTE = 60_000;

test("a held name is given to nobody else, and can be renewed and released by its holder only", async () => {
  await acquireLeases(pool, ["a"], "one", MINUTE);

  expect(await acquireLeases(pool, ["a"], "two", MINUTE)).toEqual([]);
  expect(await renewLeases(pool, ["a"], "two", MINUTE)).toEqual([]);
  await releaseLeases(pool, ["a"], "two");
  expect(await acquireLeases(pool, ["a"], "two", MINUTE)).toEqual([]);
  expect(await renewLeases(pool, ["a"], "one", MINUTE)).toEqual(["a"]);
});

test("a name whose holder was killed passes on with a higher fence and says so; a released one is clean", async () => {
  const [first] = await acquireLeases(pool, ["b"], "one", MINUTE);
  await passTime(database, MINUTE + 1);

  const [second] = await acquireLeases(pool, ["b"], "two", MINUTE);
  await releaseLeases(pool, ["b"], "two");
  const [third] = await acquireLeases(pool, ["b"], "three", MINUTE);

  expect([first, second, third].map((lease) => lease?.wasAbandoned)).toEqual([false, true, false]);
  expect(Number(second?.fence)).toBeGreaterThan(Number(first?.fence));
  expect(Number(third?.fence)).toBeGreaterThan(Number(second?.fence));
});

test("a holder whose time ran out can not renew", async () => {
  await acquireLeases(pool, ["c"], "one", MINUTE);
  await passTime(database, MINUTE + 1);

  expect(await renewLeases(pool, ["c"], "one", MINUTE)).toEqual([]);
});

test("a name kept closed for an unknown outcome counts as abandoned afterwards", async () => {
  await acquireLeases(pool, ["d"], "one", MINUTE);
  await abandonLeases(pool, ["d"], "one", 10_000);

  expect(await acquireLeases(pool, ["d"], "two", MINUTE)).toEqual([]);
  await passTime(database, 10_001);
  expect(await acquireLeases(pool, ["d"], "two", MINUTE)).toMatchObject([{ wasAbandoned: true }]);
});

test("of many who want the same names at once, each name goes to one", async () => {
  const names = Array.from({ length: 20 }, (_, at) => `e${at}`);
  const holders = Array.from({ length: 8 }, (_, at) => `holder ${at}`);

  const taken = await Promise.all(
    holders.map((holder) =>
      acquireLeases(
        pool,
        names.toSorted(() => Math.random() - 0.5),
        holder,
        MINUTE,
      ),
    ),
  );

  expect(
    taken
      .flat()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(names.toSorted());
});

test("many takers at once are served one after another, at the bucket's pace", async () => {
  const shape = { name: "calls", capacity: 2, perSecond: 10 };

  const waits = await Promise.all(Array.from({ length: 6 }, () => takeTokens(pool, shape, 1, MINUTE)));

  const sorted = waits.toSorted((a, b) => (a ?? 0) - (b ?? 0));
  expect(sorted.slice(0, 2)).toEqual([0, 0]);
  // Four in debt: a tenth of a second apart, less what was refilled meanwhile.
  expect(sorted[5]).toBeGreaterThan(200);
  expect(sorted[5]).toBeLessThanOrEqual(400);
});

test("a wait that is too long is refused and reserves nothing", async () => {
  const shape = { name: "slow", capacity: 1, perSecond: 1 };
  await takeTokens(pool, shape, 1, 0);

  expect(await takeTokens(pool, shape, 1, 100)).toBeUndefined();
  expect(await takeTokens(pool, shape, 1, 1_000)).toBeGreaterThan(500);
});

test("a paused bucket gives nothing until its time has passed, and no more than its capacity after a long rest", async () => {
  const shape = { name: "paused", capacity: 3, perSecond: 1 };
  await pauseBucket(pool, shape, 10_000);

  expect(await takeTokens(pool, shape, 1, 5_000)).toBeUndefined();
  await passTime(database, 3_600_000);
  const waits = [];
  for (let at = 0; at < 4; at++) waits.push(await takeTokens(pool, shape, 1, MINUTE));
  expect(waits.slice(0, 3)).toEqual([0, 0, 0]);
  expect(waits[3]).toBeGreaterThan(0);
});
