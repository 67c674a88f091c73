import { expect, test } from "vitest";
import { makeStream, type StreamShape } from "#test/bench/data/stream.ts";

const shape: StreamShape = {
  ...{ seed: 1, workspaces: 30, knownPeople: 600, firstNewPerson: 10_000, changes: 2400, firstSerial: 5_000 },
  from: new Date("2026-11-21T12:00:00Z"),
};

test("half of the changes are texts, a quarter of them each from somebody new", () => {
  const { texts, changes } = makeStream(shape);
  const newcomers = texts.filter(({ isNewPerson }) => isNewPerson);

  expect(changes).toHaveLength(2400);
  expect(texts).toHaveLength(1200);
  expect(newcomers).toHaveLength(300);
  expect(new Set(newcomers.map(({ person }) => person.bsuid)).size).toBe(300);
  expect(texts.every(({ personIndex, isNewPerson }) => isNewPerson === personIndex >= 10_000)).toBe(true);
});

test("each message of ours gets three ticks, in their order and between those of others", () => {
  const { changes, outgoing } = makeStream(shape);
  const place = new Map(changes.map((change, at) => [change, at]));

  expect(outgoing).toHaveLength(400);
  for (const { statuses } of outgoing) {
    const places = statuses.map((status) => place.get(status) as number);
    expect(statuses.map(({ status }) => status)).toEqual(["sent", "delivered", "read"]);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
  const apart = outgoing.filter(({ statuses: [sent, , read] }) => {
    const [first, last] = [sent, read].map((status) => (status ? (place.get(status) as number) : 0)) as [
      number,
      number,
    ];
    return last - first > 10;
  });
  expect(apart.length).toBeGreaterThan(350);
});

test("the same seed makes the same stream, another seed another one", () => {
  expect(makeStream(shape)).toEqual(makeStream(shape));
  expect(makeStream({ ...shape, seed: 2 })).not.toEqual(makeStream(shape));
});
