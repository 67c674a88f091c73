import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { pauseBucket } from "#core/store/buckets.ts";
import { freshDatabase } from "#test/support/database.ts";
import { outbox, type Place } from "#test/support/outbox.ts";
import { seedConversation } from "#test/support/seed.ts";
import { until } from "#test/support/until.ts";

const database = await freshDatabase();
const { start, newConversation, queue, sendOf, stateOf, callsOf } = await outbox(database);

/** More than have a turn at once. */
const MANY = 20;
const SOON_MS = 3_000;

async function placesWithReply(): Promise<{ at: Place; sendId: string }[]> {
  const places = Array.from({ length: MANY }, async () => {
    const at = await newConversation();
    return { at, sendId: await queue(at) };
  });
  return Promise.all(places);
}

/** Another person who wrote to the same number. */
async function another(at: Place): Promise<Place> {
  return { ...at, ...(await seedConversation(database, at)) };
}

const pause = (at: Place, ms: number) =>
  pauseBucket(database.worker, { name: `send:${at.numberId}`, capacity: 1, perSecond: 80 }, ms);

/** A Graph that takes everything and never answers. */
async function silentGraph(): Promise<{ graphUrl: string; calls: string[] }> {
  const calls: string[] = [];
  const server = createServer((request) => void calls.push(request.url ?? ""));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { graphUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

describe("the reply of another number is on its way soon", () => {
  test("beside numbers whose token does not open: what waits there is refused in words", async () => {
    const broken = await placesWithReply();
    const wabas = broken.map(({ at }) => at.wabaId);
    await database.owner.query("update waba set token_sealed = 'moved from elsewhere' where waba_id = any ($1)", [
      wabas,
    ]);
    await database.owner.query("update waba set token_sealed = null where waba_id = $1", [wabas[0]]);
    const good = await newConversation();
    const sendId = await queue(good);

    start();
    await until(async () => (await stateOf(sendId)) === "confirmed", SOON_MS);
    await until(async () =>
      (await Promise.all(broken.map((it) => stateOf(it.sendId)))).every((it) => it === "refused"),
    );

    for (const it of broken) expect(await sendOf(it.sendId)).toMatchObject({ refusal: { code: "reconnect" } });
    expect(broken.flatMap(({ at }) => callsOf(at))).toEqual([]);
  });

  test("beside numbers that Meta has paused", async () => {
    const paused = await placesWithReply();
    await Promise.all(paused.map(({ at }) => pause(at, 60_000)));
    const good = await newConversation();
    const sendId = await queue(good);

    start();
    await until(async () => (await stateOf(sendId)) === "confirmed", SOON_MS);

    expect(paused.flatMap(({ at }) => callsOf(at))).toEqual([]);
  });

  test("beside numbers whose turn fails", async () => {
    const failing = await placesWithReply();
    const ids = failing.map(({ sendId }) => `'${sendId}'`).join(", ");
    await database.owner.query(`
      create function refuse_claim() returns trigger language plpgsql as $f$ begin raise exception 'broken'; end $f$;
      create trigger refuse_claim before update on send for each row when (new.id in (${ids}))
        execute function refuse_claim()`);
    onTestFinished(async () => void (await database.owner.query("drop function refuse_claim cascade")));
    const good = await newConversation();
    const sendId = await queue(good);

    start();
    await until(async () => (await stateOf(sendId)) === "confirmed", SOON_MS);
  });

  test("beside numbers whose calls hang", async () => {
    const { graphUrl, calls } = await silentGraph();
    const hanging = await placesWithReply();
    await Promise.all(hanging.map(({ at }) => queue(at, "Behind it")));

    const sender = start({ graphUrl, stopMs: 100 });
    await until(() => calls.length >= 16);
    const good = await newConversation();
    await queue(good);
    sender.wake();
    await until(() => calls.some((url) => url.includes(good.phoneNumberId)), 2 * SOON_MS);

    expect(new Set(calls).size).toBe(calls.length);
  });
});

test("twenty closed windows do not delay the reply behind them", async () => {
  const at = await newConversation();
  const closed: string[] = [];
  for (let index = 0; index < 20; index++) {
    const place = await another(at);
    closed.push(await queue(place));
    await database.owner.query("update conversation set last_live_inbound_at = now() - interval '25 h' where id = $1", [
      place.conversationId,
    ]);
  }
  const sendId = await queue(at);

  start();
  await until(async () => (await stateOf(sendId)) === "confirmed", SOON_MS);

  expect(await Promise.all(closed.map(stateOf))).toEqual(closed.map(() => "refused"));
});

test("a number in maintenance is left alone for a minute, with all that waits there", async () => {
  const at = await newConversation({ refuse: { code: 131057, httpStatus: 500 } });
  const first = await queue(at);
  const beganAt = Date.now();

  start();
  await until(async () => (await sendOf(first)).next_try_at !== null);
  const second = await queue(await another(at));
  const good = await newConversation();
  const sendId = await queue(good);
  await until(async () => (await stateOf(sendId)) === "confirmed", SOON_MS);

  expect((await sendOf(first)).next_try_at.getTime()).toBeGreaterThanOrEqual(beganAt + 60_000);
  expect(await stateOf(second)).toBe("queued");
  expect(callsOf(at)).toHaveLength(1);
});

describe("a sender that is told to stop", () => {
  test("takes up nothing new, also when it was waiting for the number's limit", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await pause(at, 400);

    const sender = start();
    await until(async () => (await database.owner.query("select from lease")).rowCount !== 0);
    await sender.stop();

    expect(await stateOf(sendId)).toBe("queued");
    expect(callsOf(at)).toEqual([]);
  });

  test("does not wait for ever for an answer", async () => {
    const { graphUrl, calls } = await silentGraph();
    const at = await newConversation();
    const sendId = await queue(at);
    const sender = start({ graphUrl, stopMs: 100 });
    await until(() => calls.length === 1);

    const beganMs = performance.now();
    await sender.stop();

    expect(performance.now() - beganMs).toBeLessThan(SOON_MS);
    expect(await stateOf(sendId)).toBe("claimed");
  });
});
