import { expect, test } from "vitest";
import { Failure, httpStatusOf } from "#core/kit/failure.ts";

test("a failure keeps its code, its cause and what may be tried next", () => {
  const cause = new Error("socket closed");

  const failure = new Failure("throttled", "hubspot.daily_limit", "Daily limit reached.", {
    cause,
    next: { retry: "after", afterMs: 1000, scope: "install" },
  });

  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({ kind: "throttled", code: "hubspot.daily_limit", next: { scope: "install" }, cause });
});

test("a failure that says nothing about cause or retry has neither property", () => {
  const failure = new Failure("missing", "template.missing", "No such template.");

  expect(Object.hasOwn(failure, "cause")).toBe(false);
  expect(Object.hasOwn(failure, "next")).toBe(false);
});

test.for([
  ["invalid", 400],
  ["unauthorized", 401],
  ["forbidden", 403],
  ["missing", 404],
  ["conflict", 409],
  ["throttled", 429],
  ["unavailable", 503],
] as const)("the kind %s answers HTTP %i", ([kind, status]) => {
  expect(httpStatusOf(kind)).toBe(status);
});
