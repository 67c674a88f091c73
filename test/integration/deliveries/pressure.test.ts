import { afterEach, expect, test } from "vitest";
import { freshDatabase } from "#test/support/database.ts";
import { textFrom } from "#test/support/payloads.ts";
import { until } from "#test/support/until.ts";
import { hangUpAfter, headOf, overTheWire, startWebhookStage } from "./webhook-stage.ts";

const database = await freshDatabase();
const { owner } = database;
const stage = await startWebhookStage(database);

const megabyte = 1024 * 1024;
/** Bodies of 3 MB that fit into 64. */
const fitting = 21;
let posted = 0;

afterEach(async () => {
  await owner.query("delete from delivery");
});

function body(): string {
  posted += 1;
  return JSON.stringify(textFrom({ bsuid: "IN.1" }, `wamid.${posted}`, 1_795_000_000, `text ${posted}`));
}

/** Nothing can be stored until the returned function is called; nothing is refused either. */
async function databaseHangs(): Promise<() => Promise<void>> {
  const holder = await owner.connect();
  await holder.query("begin; lock table delivery in exclusive mode");
  return async () => {
    await holder.query("rollback");
    holder.release();
  };
}

async function storedCount(): Promise<number> {
  return (await owner.query("select count(*)::int as count from delivery")).rows[0].count;
}

function isWaiting(): Promise<boolean> {
  return owner
    .query("select from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into delivery (%'")
    .then(({ rowCount }) => (rowCount ?? 0) > 0);
}

test("a sender that hangs up before its last byte leaves nothing", async () => {
  const whole = body();
  const before = await stage.counted("gone");

  await hangUpAfter(stage.url, [headOf(whole), whole.slice(0, -1)], "close");

  await until(async () => (await stage.counted("gone")) === before + 1);
  expect(await stage.stored()).toEqual([]);
});

test("a sender that hangs up in the middle of a chunked body leaves nothing", async () => {
  const whole = body();
  const before = await stage.counted("gone");
  const head = headOf(whole, { "content-length": "", "transfer-encoding": "chunked" });

  await hangUpAfter(stage.url, [head, `${whole.length.toString(16)}\r\n${whole}\r\n`], "close");

  await until(async () => (await stage.counted("gone")) === before + 1);
  expect(await stage.stored()).toEqual([]);
});

test.for(["close", "reset"] as const)(
  "a sender that hangs up after its last byte (%s) is recorded all the same",
  async (how) => {
    const whole = body();

    await hangUpAfter(stage.url, [headOf(whole), whole], how);

    await until(async () => (await stage.stored()).length === 1);
    expect((await stage.stored())[0]?.toString()).toBe(whole);
  },
);

test("a sender that hangs up while the database is slow is recorded once it answers", async () => {
  const whole = body();
  const goOn = await databaseHangs();

  await hangUpAfter(stage.url, [headOf(whole), whole], "reset");
  await until(isWaiting);
  await goOn();

  await until(async () => (await stage.stored()).length === 1);
});

test("more than 64 MB in flight are refused with 503 and a time to come again, and the rest is stored", async () => {
  const large = Buffer.alloc(3 * megabyte, "x");
  const goOn = await databaseHangs();

  const posting = Array.from({ length: fitting + 3 }, () => stage.post(large));
  await until(async () => (await stage.counted("too-much")) >= 3);
  const refused = await stage.post(large);
  await goOn();
  const statuses = (await Promise.all(posting)).map(({ status }) => status);

  expect({ status: refused.status, again: refused.headers.get("retry-after") }).toEqual({ status: 503, again: "1" });
  const tooMuch = (await stage.counted("too-much")) - 1;
  expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(tooMuch);
  await until(async () => (await storedCount()) === posting.length - tooMuch);
  expect((await stage.post(body())).status).toBe(200);
});

test("a database that does not answer within 5 s is a 503 with a time to come again, and what it had is not lost", async () => {
  const goOn = await databaseHangs();
  const startedAt = performance.now();

  const response = await stage.post(body());
  const seconds = (performance.now() - startedAt) / 1000;
  await goOn();

  expect({ status: response.status, again: response.headers.get("retry-after") }).toEqual({ status: 503, again: "1" });
  expect(seconds).toBeGreaterThan(4.5);
  expect(seconds).toBeLessThan(9);
  expect(await stage.counted("slow")).toBeGreaterThanOrEqual(1);
  await until(async () => (await storedCount()) === 1);
});

test("a database without space is a 503, and the same delivery is taken once there is space again", async () => {
  const whole = body();
  await owner.query(`
    create function no_space() returns trigger language plpgsql as $f$
    begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $f$;
    create trigger no_space before insert on delivery_default for each row execute function no_space();
    create trigger no_space before insert on delivery_${today()} for each row execute function no_space()`);

  const refused = await stage.post(whole);
  await owner.query("drop function no_space cascade");
  const taken = await stage.post(whole);

  expect({ status: refused.status, again: refused.headers.get("retry-after") }).toEqual({ status: 503, again: "1" });
  expect(taken.status).toBe(200);
  expect(await storedCount()).toBe(1);
});

test("a session that is killed under a delivery is a 503, and the next one is taken", async () => {
  const goOn = await databaseHangs();
  const posting = stage.post(body());
  await until(isWaiting);

  await owner.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into delivery (%'",
  );
  const refused = await posting;
  await goOn();

  expect(refused.status).toBe(503);
  expect((await stage.post(body())).status).toBe(200);
  expect(await storedCount()).toBe(1);
});

function today(): string {
  return new Date().toISOString().slice(0, 10).replaceAll("-", "");
}

test("bodies that are announced and never finished cannot take more than 64 MB", async () => {
  const large = Buffer.alloc(3 * megabyte, "x");
  const before = await stage.counted("too-much");
  // All but the last byte, of each of 40 senders: 120 MB if everybody were listened to.
  const given = new AbortController();
  const stuck = Array.from({ length: 40 }, () =>
    overTheWire(stage.url, [headOf(large), large.subarray(1)], given.signal),
  );

  await until(async () => (await stage.counted("too-much")) - before >= 40 - fitting);

  expect(await storedCount()).toBe(0);
  given.abort();
  await Promise.all(stuck);
});
