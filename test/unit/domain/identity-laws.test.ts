import fc from "fast-check";
import { expect, test } from "vitest";
import { type Edge, persons } from "#core/domain/identity/person.ts";
import { canonicalPhone, isBsuid } from "#core/domain/identity/phone.ts";
import { type PhoneEvent, periodAt, phonePeriods } from "#core/domain/identity/phone-periods.ts";

const ids = ["a", "b", "c", "d", "e", "f", "g"];
const edge = fc.tuple(fc.constantFrom(...ids), fc.constantFrom(...ids)).map(([a, b]): Edge => ({ a, b }));

/** Who is with whom, without the names of persons. */
function partition(edges: readonly Edge[]): string[] {
  const named = persons(ids, edges);
  return [...Map.groupBy(ids, (id) => named.get(id)).values()].map((group) => group.join("")).sort();
}

test("joining people is commutative, associative and idempotent", () => {
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 10 }), fc.infiniteStream(fc.nat()), (edges, random) => {
      const shuffled = [...edges, ...edges.map(({ a, b }) => ({ a: b, b: a }))]
        .map((one) => ({ one, at: random.next().value }))
        .sort((x, y) => x.at - y.at)
        .map(({ one }) => one);

      expect(partition(shuffled)).toEqual(partition(edges));
    }),
  );
});

test("taking an edge back restores what was before it", () => {
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 10 }), edge, (edges, last) => {
      const others = edges.filter(({ a, b }) => !(a === last.a && b === last.b));

      expect(partition([...others, last].filter((one) => one !== last))).toEqual(partition(others));
    }),
  );
});

test("a person is named by its smallest identity, whatever joined it", () => {
  const named = persons(ids, [
    { a: "c", b: "b" },
    { a: "c", b: "g" },
    { a: "a", b: "g" },
  ]);

  expect(["a", "b", "c", "g"].map((id) => named.get(id))).toEqual(["a", "a", "a", "a"]);
});

const event = fc.oneof(
  fc.record({
    kind: fc.constant("holder" as const),
    at: fc.nat(50).map(day),
    bsuid: fc.constantFrom("IN.1", "IN.2", "IN.3"),
  }),
  fc.record({
    kind: fc.constant("change" as const),
    at: fc.nat(50).map(day),
    wamid: fc.constantFrom("w1", "w2"),
  }),
);

/** A wamid is said once, a BSUID is first seen once. */
const events = fc.uniqueArray(event, { selector: (it) => (it.kind === "holder" ? it.bsuid : it.wamid) });

function day(n: number): Date {
  return new Date(Date.UTC(2026, 0, 1 + n));
}

test("the periods of a phone do not depend on the order in which its holders were learnt", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(event, { selector: (it) => (it.kind === "holder" ? it.bsuid : it.wamid) }),
      fc.infiniteStream(fc.nat()),
      (events, random) => {
        const shuffled = (events as PhoneEvent[])
          .map((it) => ({ it, at: random.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ it }) => it);

        expect(phonePeriods("919", shuffled)).toEqual(phonePeriods("919", events as PhoneEvent[]));
      },
    ),
  );
});

test("every moment lies in exactly one period, and periods follow one another", () => {
  fc.assert(
    fc.property(events, fc.nat(60).map(day), (events, at) => {
      const periods = phonePeriods("919", events as PhoneEvent[]);
      const starts = periods.map((period) => period.from?.getTime() ?? Number.NEGATIVE_INFINITY);

      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      expect(periods).toContain(periodAt(periods, at));
      expect(new Set(periods.map((period) => period.key)).size).toBe(periods.length);
    }),
  );
});

test("a recycled number begins a new period, and what was said before it stays with the old holder", () => {
  const periods = phonePeriods("919", [
    { kind: "holder", at: day(10), bsuid: "IN.2" },
    { kind: "holder", at: day(1), bsuid: "IN.1" },
  ]);

  expect(periodAt(periods, day(9)).holder).toBe("IN.1");
  expect(periodAt(periods, day(10)).holder).toBe("IN.2");
});

test.each([
  ["Brazil with and without the ninth digit", "5541988887777", "554188887777"],
  ["Mexico with and without the one", "5215512345678", "525512345678"],
  ["Argentina with and without the nine", "5491112345678", "541112345678"],
  ["written with signs", "+91 98450-00117", "919845000117"],
])("%s is one number", (_what, one, other) => {
  expect(canonicalPhone(one)).toBe(canonicalPhone(other));
});

test.each([["5541338877777"], ["12125550100"], ["918041550190"]])(
  "%s, perhaps a landline, is left as it is",
  (phone) => {
    expect(canonicalPhone(phone)).toBe(phone);
  },
);

test.each([["919845000117"], [""], ["IN"], ["IN."], ["asha.m"]])("%j is no BSUID", (text) => {
  expect(isBsuid(text)).toBe(false);
});
