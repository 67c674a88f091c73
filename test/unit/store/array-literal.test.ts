import { expect, test } from "vitest";
import { arrayLiteral } from "#core/store/array-literal.ts";

test("texts are quoted, so that nothing in them can end an element", () => {
  expect(arrayLiteral(["a", 'say "hi"', "back\\slash", "a,b", "{}", "NULL", ""])).toBe(
    '{"a","say \\"hi\\"","back\\\\slash","a,b","{}","NULL",""}',
  );
});

test("absent values are NULL; numbers, booleans and times are written as PostgreSQL reads them", () => {
  expect(arrayLiteral([null, undefined, 1.5, true, 2n, new Date(0)])).toBe(
    '{NULL,NULL,1.5,true,2,"1970-01-01T00:00:00.000Z"}',
  );
});

test("an empty set is an empty array", () => {
  expect(arrayLiteral([])).toBe("{}");
});

test.each([[[Buffer.from("x")]], [[["nested"]]], [[{}]]])("%j is left to the driver", (values) => {
  expect(arrayLiteral(values)).toBeUndefined();
});
