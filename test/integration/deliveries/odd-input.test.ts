import { afterEach, expect, test } from "vitest";
import { connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { delivery, inbound, statusOf, textFrom } from "#test/support/payloads.ts";
import { until } from "#test/support/until.ts";
import { startWebhookStage } from "./webhook-stage.ts";

const database = await freshDatabase();
const { owner } = database;
const number = await connectNumber(database, { phoneNumberId: "odd" });
const stage = await startWebhookStage(database);

const at = 1_795_000_000;
const who = { phone: "919900000001", bsuid: "IN.7700000000000001" };
/** What one delivery may cost while it is read: a bomb of 3 MB, several times over as parsed JSON. */
const heapGrowthMax = 200 * 1024 * 1024;

afterEach(async () => {
  await owner.query("delete from delivery; delete from parked_item; delete from kept_change");
  await owner.query("delete from message; delete from message_status");
});

function text(wamid: string, body: string, time: unknown = at) {
  return inbound(who, wamid, at, { type: "text", text: { body }, timestamp: time }, "odd");
}

async function messages(): Promise<Record<string, unknown>[]> {
  const { rows } = await owner.query(
    "select wamid, type, body, sent_at, received_at, status_rank from message order by wamid",
  );
  return rows;
}

async function kept(): Promise<unknown[]> {
  return (await owner.query("select field, reason from kept_change order by delivery_id, change, position")).rows;
}

/** Posts, waits until it was dealt with, and compares the stored bytes with the posted ones. */
async function taken(body: unknown): Promise<void> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  expect((await stage.post(bytes)).status).toBe(200);
  await stage.settled();
  expect((await stage.stored()).at(-1)?.equals(bytes)).toBe(true);
}

const bomb = Buffer.from(`{"entry":[${"[],".repeat(1024 * 1024 - 10)}[]]}`);

test.for([
  ["text that is no JSON", Buffer.from("<xml/>"), "not JSON"],
  ["half a delivery", Buffer.from('{"entry":[{"changes":[{"val'), "not JSON"],
  ["bytes that are no UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0x80]), "not JSON"],
  ["an empty body", Buffer.alloc(0), "not JSON"],
  ["a number", Buffer.from("42"), "no entry list"],
  ["JSON without entries", Buffer.from('{"object":"page"}'), "no entry list"],
  ["arrays nested 10,000 deep", Buffer.from(`{"entry":${"[".repeat(10_000)}${"]".repeat(10_000)}}`), "nested too deep"],
  [
    "objects nested 10,000 deep",
    Buffer.from(`{"entry":[${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}]}`),
    "nested too deep",
  ],
  ["arrays opened and never closed", Buffer.from("[".repeat(1_000_000)), "too many values"],
  ["an array bomb of 3 MB", bomb, "too many values"],
] as const)(
  "%s, signed, is answered 200, stored byte for byte and parked with its reason",
  async ([, bytes, reason]) => {
    await taken(bytes);

    expect(await stage.parked()).toEqual([reason]);
    expect(await (await fetch(`${stage.url}/livez`)).text()).toBe("alive\n");
  },
);

test("ten bombs at once cost a bounded heap, and a message beside them is applied", async () => {
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }, 5);

  const responses = await Promise.all([
    ...Array.from({ length: 10 }, () => stage.post(bomb)),
    stage.post(JSON.stringify(text("wamid.beside", "beside the bombs"))),
  ]);
  await until(async () => (await stage.stored()).length === 11);
  await stage.settled();
  clearInterval(watch);

  // A machine too busy for 5 s answers 503 for what it stores all the same.
  expect(responses.every(({ status }) => status === 200 || status === 503)).toBe(true);
  expect(await stage.parked()).toHaveLength(10);
  expect(await messages()).toMatchObject([{ wamid: "wamid.beside" }]);
  expect(most).toBeLessThan(heapGrowthMax);
});

test("an entry that is no object, and changes that are no list, harm nothing", async () => {
  await taken({ entry: [null, 1, "text", [], { changes: "none" }, { changes: [null, 7, []] }] });

  expect((await messages()).length).toBe(0);
});

test("a field of the future is kept under its name", async () => {
  await taken(delivery("field_of_the_future", { anything: [1, 2, 3] }, "odd"));

  expect(await kept()).toEqual([{ field: "field_of_the_future", reason: "unknown field or shape" }]);
});

test("a message of an unknown type is a message, shown by its type", async () => {
  await taken(inbound(who, "wamid.hologram", at, { type: "hologram", hologram: { depth: 3 } }, "odd"));

  expect(await messages()).toMatchObject([{ wamid: "wamid.hologram", type: "hologram" }]);
});

test("a status of an unknown name is stored and shows nothing", async () => {
  const status = JSON.parse(
    JSON.stringify(statusOf("wamid.status", "teleported", at)).replace("106540352242922", "odd"),
  );
  await taken(status);

  expect(await messages()).toMatchObject([{ wamid: "wamid.status", status_rank: 0 }]);
  expect((await owner.query("select status from message_status")).rows).toEqual([{ status: "teleported" }]);
});

test.for([
  ["no number", "yesterday"],
  ["nothing", null],
  ["an object", { seconds: at }],
  ["negative", "-5"],
  ["far in the future", "99999999999"],
  ["beyond all dates", "1e300"],
] as const)("a timestamp that is %s becomes the time of receipt, so that no window opens late", async ([, time]) => {
  await taken(text("wamid.time", "when?", time));

  const [message] = await messages();
  expect(message?.["sent_at"]).toEqual(message?.["received_at"]);
});

test("a timestamp in milliseconds is read as such", async () => {
  await taken(text("wamid.time", "when?", String(at * 1000)));

  expect(await messages()).toMatchObject([{ sent_at: new Date(at * 1000) }]);
});

test("the same message twice in one POST is one message", async () => {
  const one = text("wamid.twice", "once") as { entry: { changes: unknown[] }[] };
  const twice = {
    ...one,
    entry: [
      ...one.entry,
      { ...one.entry[0], changes: [...(one.entry[0]?.changes ?? []), ...(one.entry[0]?.changes ?? [])] },
    ],
  };

  await taken(twice);

  expect(await messages()).toMatchObject([{ wamid: "wamid.twice", body: "once" }]);
});

test("1,000 changes of several workspaces in one POST each find their own", async () => {
  const others = await Promise.all(
    ["odd-2", "odd-3"].map((phoneNumberId) => connectNumber(database, { phoneNumberId })),
  );
  const numbers = [number, ...others];
  const changes = Array.from({ length: 1000 }, (_, at) => {
    const { phoneNumberId, wabaId } = numbers[at % 3] ?? number;
    const body = textFrom(
      { bsuid: `IN.88000000000000${at % 50}` },
      `wamid.k${at}`,
      1_795_000_000 + at,
      `text ${at}`,
      phoneNumberId,
    );
    return { wabaId, changes: (body as { entry: { changes: unknown[] }[] }).entry[0]?.changes };
  });

  await taken({
    object: "whatsapp_business_account",
    entry: changes.map(({ wabaId: id, changes: own }) => ({ id, changes: own })),
  });

  const { rows } = await owner.query("select workspace_id as id, count(*)::int as messages from message group by 1");
  const found = Object.fromEntries(rows.map((row) => [row.id, row.messages]));
  expect(found).toEqual(Object.fromEntries(numbers.map(({ workspaceId }, at) => [workspaceId, at === 0 ? 334 : 333])));
});

test("NUL and lone surrogates become U+FFFD in text, and the delivery keeps its bytes", async () => {
  const bytes = Buffer.from(
    JSON.stringify(text("wamid.nul", "@@")).replace("@@", "a\\u0000b\\ud800c\\udc00d \\ud83d\\ude00"),
  );

  await taken(bytes);

  expect(await messages()).toMatchObject([{ body: "a\ufffdb\ufffdc\ufffdd 😀" }]);
  expect(await stage.parked()).toEqual([]);
});

test("bytes that are no UTF-8 inside a text become U+FFFD, and the delivery keeps them", async () => {
  const [before, after] = JSON.stringify(text("wamid.bytes", "@@")).split("@@") as [string, string];

  await taken(Buffer.concat([Buffer.from(before), Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80]), Buffer.from(after)]));

  expect(await messages()).toMatchObject([{ body: "\ufffd(\ufffd\ufffd\ufffd" }]);
});

test.for([
  ["markup", `<img src=x onerror=alert(1)>`],
  ["SQL", `'; drop table message; --`],
  ["a prototype's key", "__proto__"],
  ["a template", "#{exit} {{7*7}} %s %n"],
  ["right-to-left overrides", "\u202egpj.exe\u2066"],
  ["100,000 characters", "x".repeat(100_000)],
] as const)("a name and a text of %s are text", async ([, hostile]) => {
  const person = { ...who, name: hostile };
  await taken(inbound(person, "wamid.hostile", at, { type: "text", text: { body: hostile } }, "odd"));

  expect(await messages()).toMatchObject([{ body: hostile }]);
  const { rows } = await owner.query("select value from identity_attribute where kind = 'name' and value = $1", [
    hostile.slice(0, 500),
  ]);
  expect(rows.length).toBeGreaterThan(0);
});

test("ids that are far too long for an index stop nobody behind them", async () => {
  const long = Array.from({ length: 4_000 }, (_, at) => String.fromCharCode(33 + ((at * 7919) % 90))).join("");
  await stage.post(JSON.stringify(textFrom({ bsuid: `IN.${long}` }, `wamid.${long}`, at, "long ids", long)));
  await stage.post(
    JSON.stringify(
      inbound({ bsuid: `IN.${long}` }, `wamid.${long}`, at, { type: long, text: { body: "long" } }, "odd"),
    ),
  );

  await taken(text("wamid.behind", "behind the long ids"));

  expect((await messages()).map(({ wamid }) => wamid)).toContain("wamid.behind");
});
