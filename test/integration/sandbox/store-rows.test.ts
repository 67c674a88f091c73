import { expect, test } from "vitest";
import { readStoreRows, STORE_TABLES } from "#test/sandbox/store-rows.ts";
import { freshDatabase } from "#test/support/database.ts";

/** No delivery writes to these. */
const OF_SCREENS = ["console_entry", "console_session"];

const { owner } = await freshDatabase();

test("every table of a tenant that a delivery may change is read, so that no effect on one can go unseen", async () => {
  const { rows } = await owner.query<{ relname: string }>(
    "select relname from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace order by relname",
  );

  expect(rows.length).toBeGreaterThan(20);
  expect(rows.map(({ relname }) => relname).filter((name) => ![...STORE_TABLES, ...OF_SCREENS].includes(name))).toEqual(
    [],
  );
});

test("an empty store reads as empty tables", async () => {
  const store = await readStoreRows(owner);

  expect(Object.keys(store).sort()).toEqual([...STORE_TABLES].sort());
  expect(Object.values(store).flat()).toEqual([]);
});
