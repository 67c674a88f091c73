import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Clock, systemClock } from "#core/kit/clock.ts";
import { settleSends } from "#core/usecases/messages/settle-sends.ts";
import type { Behaviour } from "#test/sandbox/meta/behaviour.ts";
import { freshDatabase } from "#test/support/database.ts";
import { minuteMs, outbox, silent } from "#test/support/outbox.ts";
import { testKey } from "#test/support/seed.ts";
import { until } from "#test/support/until.ts";

const database = await freshDatabase();
const { start, newConversation, claimAs, queue, applyStatus, sendOf, stateOf, callsOf, messagesOf } =
  await outbox(database);

/** As if the lease and the call of a killed sender had run out. */
async function forget(at: { numberId: string }, sendId: string): Promise<void> {
  await database.owner.query("update lease set held_until = now() where name = $1", [`send:${at.numberId}`]);
  await database.owner.query("update send set call_until = now() where id = $1", [sendId]);
}

describe("a lost answer", () => {
  test.each<[string, Behaviour]>([
    ["the connection is cut after Meta worked", { dropAnswerAfterWork: 1 }],
    ["the connection is cut before Meta worked", { cutBeforeWork: 1 }],
    ["a proxy answers 500 in Meta's place", { answer500AfterWork: 1 }],
    ["Meta worked and answers 131000 with 500", { answer131000AfterWork: 1 }],
    ...[1, 2, 131000, 131016, 133004].map<[string, Behaviour]>((code) => [
      `Meta says only that it has trouble (${code})`,
      { refuse: { code } },
    ]),
    ["Meta says something unknown with 503", { refuse: { code: 987_654, httpStatus: 503 } }],
  ])("is never sent again: %s", async (_, behaviour) => {
    const at = await newConversation(behaviour);
    const sendId = await queue(at);

    const sender = start();
    await until(() => callsOf(at).length === 1);
    await sender.stop();
    start();
    const later = await queue(at, "A later one");
    await until(async () => (await stateOf(later)) === "confirmed");

    expect(await stateOf(sendId)).toBe("claimed");
    expect(callsOf(at)).toHaveLength(2);
  });

  test("is settled by the status that carries our opaque data", async () => {
    const at = await newConversation({ dropAnswerAfterWork: 1 });
    const sendId = await queue(at);
    const sender = start();
    await until(() => callsOf(at).length === 1);
    await sender.stop();

    await applyStatus(at, sendId, callsOf(at)[0]?.wamid ?? "");

    expect(await stateOf(sendId)).toBe("confirmed");
    expect(await messagesOf(at)).toMatchObject([{ body: "Yes", origin: "agent", status_rank: 2 }]);
  });

  test("is told to a person once a later send has had its status, and a late status still confirms it", async () => {
    const at = await newConversation({ dropAnswerAfterWork: 1 });
    const lost = await queue(at, "Lost");
    const sender = start();
    await until(() => callsOf(at).length === 1);
    const later = await queue(at, "Later");
    sender.wake();
    await until(async () => (await stateOf(later)) === "confirmed");
    await sender.stop();
    const inHalfAnHour: Clock = { ...systemClock, now: () => new Date(Date.now() + 31 * minuteMs) };
    const settle = () =>
      settleSends({ worker: database.worker, clock: inHalfAnHour, log: silent, settleMs: 30 * minuteMs });

    await settle();
    expect(await stateOf(lost)).toBe("claimed");
    await applyStatus(at, later, callsOf(at)[1]?.wamid ?? "");
    await settle();
    expect(await sendOf(lost)).toMatchObject({ state: "unconfirmed", refusal: { code: "unconfirmed" } });

    await applyStatus(at, lost, callsOf(at)[0]?.wamid ?? "");
    expect(await stateOf(lost)).toBe("confirmed");
    expect((await messagesOf(at)).map(({ body }) => body).sort()).toEqual(["Later", "Lost"]);
  });

  test("is told to a person after four times as long when nothing else was ever sent", async () => {
    const at = await newConversation({ cutBeforeWork: 1 });
    const sendId = await queue(at);
    const sender = start();
    await until(() => callsOf(at).length === 1);
    await sender.stop();
    const inTwoHours: Clock = { ...systemClock, now: () => new Date(Date.now() + 121 * minuteMs) };

    await settleSends({ worker: database.worker, clock: inTwoHours, log: silent, settleMs: 30 * minuteMs });

    expect(await stateOf(sendId)).toBe("unconfirmed");
  });
});

test("a number whose lost answers cannot be settled does not keep the others from it", async () => {
  const lost: string[] = [];
  for (let index = 0; index < 3; index++) {
    const at = await newConversation();
    lost.push(await queue(at));
    await claimAs("dead", at);
  }
  const [, broken] = lost;
  await database.owner.query(`
    create function refuse_settling() returns trigger language plpgsql as
      $f$ begin raise exception 'settling of % is broken', new.id; end $f$;
    create trigger refuse_settling before update on send for each row
      when (new.state = 'unconfirmed' and new.id = '${broken}') execute function refuse_settling()`);
  onTestFinished(async () => void (await database.owner.query("drop function refuse_settling cascade")));
  const inTwoHours: Clock = { ...systemClock, now: () => new Date(Date.now() + 121 * minuteMs) };

  await settleSends({ worker: database.worker, clock: inTwoHours, log: silent, settleMs: 30 * minuteMs });

  expect(await Promise.all(lost.map(stateOf))).toEqual(["unconfirmed", "claimed", "unconfirmed"]);
});

describe("kill -9", () => {
  test("between claim and call: never sent, and a person is told", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    expect((await claimAs("dead", at))?.claimed?.send.id).toBe(sendId);
    await forget(at, sendId);

    start({ settleMs: 20 });
    await until(async () => (await stateOf(sendId)) === "unconfirmed");

    expect(callsOf(at)).toEqual([]);
  });

  test("between call and answer: sent once, and its status confirms it", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    const calls: string[] = [];
    const graph = createServer((request) => {
      calls.push(request.url ?? "");
      child.kill("SIGKILL");
    });
    await new Promise<void>((resolve) => graph.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void graph.close());
    const graphUrl = `http://127.0.0.1:${(graph.address() as AddressInfo).port}`;
    const options = JSON.stringify({ connection: database.connection, graphUrl, key: testKey });
    const child = spawn(
      process.execPath,
      [fileURLToPath(import.meta.resolve("#test/support/sender-process.ts")), options],
      { stdio: "inherit" },
    );
    await new Promise((resolve) => child.once("exit", resolve));
    await forget(at, sendId);

    start();
    const later = await queue(at, "A later one");
    await until(async () => (await stateOf(later)) === "confirmed");
    expect(calls).toHaveLength(1);
    expect(await stateOf(sendId)).toBe("claimed");
    expect(callsOf(at)).toHaveLength(1);

    await applyStatus(at, sendId, "wamid.late");
    expect(await stateOf(sendId)).toBe("confirmed");
  });
});

test("answer and status race: one message, whoever is first", async () => {
  const at = await newConversation();
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) ids.push(await queue(at, `Reply ${index}`));

  start();
  for (const [index, sendId] of ids.entries()) {
    await until(() => callsOf(at)[index]?.wamid !== undefined);
    await applyStatus(at, sendId, callsOf(at)[index]?.wamid ?? "");
  }
  await until(async () => (await Promise.all(ids.map(stateOf))).every((state) => state === "confirmed"));

  const messages = await messagesOf(at);
  expect(messages.map(({ body }) => body)).toEqual(ids.map((_, index) => `Reply ${index}`));
  expect(messages.every(({ status_rank }) => status_rank === 2)).toBe(true);
});
