import { expect, test } from "vitest";
import { compareTables, differenceLines } from "#test/sandbox/expected-effects.ts";

test("the order of sentences plays no part, their number does", () => {
  const expected = { "a.json": ["conversation begun", "window opened", "window opened"] };

  expect(compareTables(expected, { "a.json": ["window opened", "conversation begun", "window opened"] })).toEqual([]);
  expect(compareTables(expected, { "a.json": ["window opened", "conversation begun"] })).toEqual([
    { file: "a.json", missing: ["window opened"], unexpected: [] },
  ]);
});

test("a file that only one of the tables knows is a difference, also when it does nothing", () => {
  expect(compareTables({ "gone.json": [] }, {})).toEqual([
    { file: "gone.json", missing: ["(this file was not replayed)"], unexpected: [] },
  ]);
  expect(compareTables({}, { "new.json": ["reaction 👍"] })).toEqual([
    { file: "new.json", missing: [], unexpected: ["(this file is not in the table)", "reaction 👍"] },
  ]);
});

test("a difference is printed with what is missing before what was not expected", () => {
  expect(differenceLines({ file: "a.json", missing: ["revoke"], unexpected: ["skeleton"] })).toEqual([
    "a.json",
    "  - revoke",
    "  + skeleton",
  ]);
});
