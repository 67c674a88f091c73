import { afterEach, expect, test } from "vitest";
import { freshDatabase } from "#test/support/database.ts";
import { textFrom } from "#test/support/payloads.ts";
import { until } from "#test/support/until.ts";
import { hangUpAfter, headOf, overTheWire, startWebhookStage } from "./webhook-stage.ts";

const database = await freshDatabase();
const { owner } = database;
const stage = await startWebhookStage(database);

const megabyte = 1024 * 1024;
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

test.for(["close", "reset"] as const)("a sender that hangs up after its last byte (%s) is recorded all the same", async (how) => {
  const whole = body();

  await hangUpAfter(stage.url, [headOf(whole), whole], how);

  await until(async () => (await stage.stored()).length === 1);
  expect((await stage.stored())[0]?.toString()).toBe(whole);
});

test("a sender that hangs up while the database is slow is recorded once it answers", async () => {
  const whole = body();
  const goOn = await databaseHangs();

  await hangUpAfter(stage.url, [headOf(whole), whole], "reset");
  await until(isWaiting);
  await goOn();

  await until(async () => (await stage.stored()).length === 1);
});

test("more than 64 MB in flight are refused with 503 and a time to come again, and the rest is stored", async () => {
  const [large, small] = [Buffer.alloc(3 * megabyte, "x"), body()];
  const goOn = await databaseHangs();

  const waiting = Array.from({ length: 21 }, () => stage.post(large));
  await until(isWaiting);
  const refused = await Promise.race([until(async () => (await stage.counted("too-much")) > 0), flood(large)]);
  await goOn();
  const statuses = (await Promise.all(waiting)).map(({ status }) => status);

  expect(refused).toBe(undefined);
  expect(statuses.filter((status) => status === 200).length).toBe((await stage.stored()).length);
  expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
  expect((await stage.post(small)).status).toBe(200);
});

/** Posts until one is refused for too much. */
async function flood(large: Buffer): Promise<undefined> {
  for (;;) {
    const response = await stage.post(large);
    if (response.status === 503 && (await stage.counted("too-much")) > 0) {
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      return undefined;
    }
  }
}

test("bodies that are announced and never finished cannot take more than 64 MB", async () => {
  const large = Buffer.alloc(3 * megabyte, "x");
  const before = await stage.counted("too-much");
  // All but the last byte, of each of 40 senders: 120 MB if everybody were listened to.
  const stuck = Array.from({ length: 40 }, () => overTheWire(stage.url, [headOf(large), large.subarray(1)]));

  await until(async () => (await stage.counted("too-much")) - before >= 40 - 21);

  expect(await stage.stored()).toEqual([]);
  await stage.app.stop();
  await Promise.all(stuck);
});
