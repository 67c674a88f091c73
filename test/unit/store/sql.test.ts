import { expect, test } from "vitest";
import { sql } from "#core/store/sql.ts";

test("a value never becomes a part of the text", () => {
  const { text, values } = sql`select * from note where title = ${"'; drop table note; --"}`;

  expect(text).toBe("select * from note where title = $1");
  expect(values).toEqual(["'; drop table note; --"]);
});

test("fragments nest at any depth, and their values keep their order", () => {
  const inner = sql`b = ${2} and ${sql`c = ${3}`}`;

  const { text, values } = sql`select ${1}::int where ${inner} or d = ${4}`;

  expect(text).toBe("select $1::int where b = $2 and c = $3 or d = $4");
  expect(values).toEqual([1, 2, 3, 4]);
});

test("a fragment may stand first, last, alone, twice, or hold no value", () => {
  const all = sql`true`;
  const one = sql`a = ${1}`;

  expect(sql`${one}`.text).toBe("a = $1");
  expect(sql`${one} and ${one}`).toMatchObject({ text: "a = $1 and a = $2", values: [1, 1] });
  expect(sql`${all}${one}`).toMatchObject({ text: "truea = $1", values: [1] });
});

test("only a named statement carries a name", () => {
  const named = sql.named("find-note")`select ${1}::int`;

  expect(named).toMatchObject({ name: "find-note", text: "select $1::int", values: [1] });
  expect(sql`select 1`.name).toBeUndefined();
});

test("null and undefined are values like any other; a list is one array", () => {
  expect(sql`select ${null}, ${undefined}, ${[1, 2]}`.values).toEqual([null, undefined, "{1,2}"]);
});
