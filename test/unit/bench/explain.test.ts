import { expect, test } from "vitest";
import { literalOf, readExplain } from "#test/bench/explain.ts";

test("values become literals that PostgreSQL reads back as they were", () => {
  expect(literalOf(["a", null, 'b"c\\', "d'e"])).toBe(String.raw` E'{"a",null,"b\\"c\\\\","d''e"}'`);
  expect(literalOf(42)).toBe("'42'");
  expect(literalOf(null)).toBe("null");
  expect(literalOf([new Date(0)])).toBe(`'{"1970-01-01T00:00:00.000Z"}'`);
});

test("a plan is told in short: how rows are found, and which tables are read from end to end", () => {
  const explained = readExplain({
    Plan: {
      ...{ "Node Type": "Limit", "Shared Hit Blocks": 40, "Shared Read Blocks": 2 },
      Plans: [
        {
          "Node Type": "Nested Loop",
          Plans: [
            { "Node Type": "Seq Scan", "Relation Name": "lane" },
            { "Node Type": "Index Scan", "Index Name": "message_pkey" },
          ],
        },
      ],
    },
    "Execution Time": 1.5,
  });

  expect(explained).toEqual({
    ...{ joins: ["Nested Loop"], indexes: ["message_pkey"], scanned: ["lane"], buffers: 42, ms: 1.5 },
  });
});
