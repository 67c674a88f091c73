import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { age, type Check, lineOf } from "#core/commands/doctor/check.ts";
import { judgeDisk, judgeRoles } from "#core/commands/doctor/server.ts";
import { checkSettings, examine, settingsProblems } from "#core/commands/doctor.ts";
import { withoutValues } from "#core/commands/without-values.ts";
import { readConfig } from "#core/config.ts";
import type { Failure } from "#core/kit/failure.ts";
import { openWriter } from "#core/store/deliveries.ts";
import { makePartitions } from "#core/store/delivery-partitions.ts";
import { insertParked } from "#core/store/parked-items.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { statusOf, textFrom } from "#test/support/payloads.ts";
import { seedConversation, seedMessage, seedWorkspace } from "#test/support/seed.ts";

const database = await freshDatabase();
const { owner, worker } = database;
const now = new Date();
const ago = (ms: number) => new Date(now.getTime() - ms);
const dayMs = 86_400_000;
await makePartitions(owner, now);

async function checks(at = now): Promise<Check[]> {
  return examine({ database, now: at, deliveryKeptDays: 30, embeddedDir: undefined });
}

async function linesAbout(what: string, at = now): Promise<string[]> {
  return (await checks(at)).filter((check) => check.what === what).map(lineOf);
}

describe("on a database as the first start leaves it", () => {
  test("all is well but the durability that the test server has switched off, and that no worker runs", async () => {
    const found = await checks();

    expect(found.length).toBeGreaterThan(15);
    expect(found.filter(({ level }) => level !== "ok").map(({ level, what }) => `${level} ${what}`)).toEqual([
      "FAIL fsync",
      "FAIL full_page_writes",
      "FAIL synchronous_commit",
      "warn workers",
    ]);
    expect(lineOf(found.find(({ what }) => what === "roles") as Check)).toBe(
      "ok    roles: triveni, triveni_app, triveni_worker; none is above row-level security.",
    );
  });

  test("a durability setting that is off says what it costs and what to do", async () => {
    expect(await linesAbout("fsync")).toEqual([
      "FAIL  fsync: off. A crash loses deliveries that Meta was told we have. Set fsync = on and reload PostgreSQL.",
    ]);
  });
});

describe("tells, with what to do,", () => {
  test("a tenant table whose owner is no longer bound by row-level security", async () => {
    await owner.query("alter table message no force row level security");

    const lines = await linesAbout("row-level security");

    await owner.query("alter table message force row level security");
    expect(lines).toEqual([
      "FAIL  row-level security: not forced on message. Run as the owner: select protect_tenant_table('message');",
    ]);
  });

  test("a migration that is not applied, one that was edited, and a database that is newer", async () => {
    const { rows } = await owner.query("select * from migration order by number");
    const last = rows.at(-1);
    await owner.query("delete from migration where number = $1", [last.number]);
    const missing = await linesAbout("migrations");
    await owner.query("insert into migration (number, name, checksum) values ($1, $2, 'other')", [
      last.number,
      last.name,
    ]);
    const edited = await linesAbout("migrations");
    await owner.query("insert into migration (number, name, checksum) values (9999, '9999_later', 'x')");
    const newer = await linesAbout("migrations");
    await owner.query("delete from migration where number = 9999");
    await owner.query("update migration set checksum = $2 where number = $1", [last.number, last.checksum]);

    expect(missing).toEqual([
      `FAIL  migrations: ${rows.length - 1} of ${rows.length} applied. Start Triveni: it applies the others.`,
    ]);
    expect(edited).toEqual([
      `FAIL  migrations: ${last.name} differs from what was applied. Restore the file as released.`,
    ]);
    expect(newer).toEqual([
      "FAIL  migrations: the database is at 9999, newer than this Triveni. Run the newer version of Triveni.",
    ]);
  });

  test("days without a partition, and deliveries that fell through", async () => {
    const inAWeek = new Date(now.getTime() + 7 * dayMs);
    await recordDeliveries(database, [Buffer.from("{}")], inAWeek);

    const lines = [
      ...(await linesAbout("partitions of delivery", inAWeek)),
      ...(await linesAbout("delivery_default", inAWeek)),
    ];

    await drain(database);
    await owner.query("delete from parked_item; delete from delivery_default");
    expect(lines[0]).toMatch(
      new RegExp(`^FAIL  partitions of delivery: none for ${inAWeek.toISOString().slice(0, 10)}, `),
    );
    expect(lines[1]).toMatch(/^warn {2}delivery_default: 1 deliveries of days without a partition\. They are safe/);
  });

  test("deliveries that wait too long for their router, and then for their lane", async () => {
    const { phoneNumberId } = await seedWorkspace(database);
    const body = JSON.stringify(textFrom({ phone: "919845000117" }, "waits", 1_795_000_000, "Hello", phoneNumberId));
    await recordDeliveries(database, [Buffer.from(body)], now);

    const soon = new Date(now.getTime() + 90_000);
    expect(await linesAbout("deliveries not routed", soon)).toEqual([
      "warn  deliveries not routed: oldest for 90 s. Is a process with ROLES=worker running? Its log says what it is at.",
    ]);
    await owner.query(
      `insert into lane_item (kind, lane_id, delivery_id, received_at, bytes) values (0, 1, 1, $1, 10)`,
      [ago(20 * 60_000)],
    );
    expect(await linesAbout("live items waiting")).toEqual([
      "FAIL  live items waiting: 1, oldest for 20 min. Is a process with ROLES=worker running? Its log says what it is at.",
    ]);

    await owner.query("delete from lane_item");
    await drain(database);
  });

  test("parked items by reason, without the values that PostgreSQL quotes", async () => {
    const item = { workspaceId: undefined, laneId: undefined, receivedAt: now, changes: undefined };
    const reason = 'refused: invalid input syntax for type uuid: "Asha 919845000117"';
    await inTransaction(worker, (tx) =>
      insertParked(tx, [
        { ...item, deliveryId: "1", reason },
        { ...item, deliveryId: "2", reason },
      ]),
    );

    const lines = await linesAbout("parked items");

    await owner.query("delete from parked_item");
    const until = new Date(now.getTime() + 30 * dayMs).toISOString().slice(0, 10);
    expect(lines).toEqual([
      `warn  parked items: 2, because refused: invalid input syntax for type uuid: "…". After an upgrade that mends this: npm run reapply, until ${until}.`,
    ]);
  });

  test("changes that are kept for numbers nobody has connected", async () => {
    await recordDeliveries(database, [Buffer.from(JSON.stringify(statusOf("x", "sent", 1_795_000_000)))]);
    await drain(database);

    const lines = await linesAbout("changes of unknown numbers");

    await owner.query("delete from unrouted_change");
    expect(lines[0]).toMatch(
      /^warn {2}.*: 1 of 1 numbers or WABAs that nobody has connected\. Connect them; the first are let go on /,
    );
  });

  test("writers that died long ago", async () => {
    const client = await database.app.connect();
    const { id } = await openWriter(client);
    const alive = await linesAbout("delivery writers");
    client.release(true);
    await owner.query("update delivery_writer set started_at = $1 where id = $2", [ago(3 * 3_600_000), id]);
    const dead = await linesAbout("delivery writers");

    expect(alive[0]).toMatch(/^ok {4}delivery writers: 1 alive, \d+ gone\.$/);
    expect(dead[0]).toMatch(/^warn {2}delivery writers: 0 alive, \d+ gone\. The hourly round forgets/);
  });

  test("a worker with a heartbeat, and one that has none any more", async () => {
    await owner.query("insert into worker (id) values ('w1')");
    const fresh = await linesAbout("workers");
    await owner.query("update worker set heartbeat_at = now() - interval '3 hours'");
    const stale = await linesAbout("workers", new Date());

    await owner.query("delete from worker");
    expect(fresh).toEqual(["ok    workers: 1 with a fresh heartbeat."]);
    expect(stale).toEqual([
      "warn  workers: none, the last one was seen 3 h ago. Nothing is applied or sent: start a process with ROLES=worker (npm start has it).",
    ]);
  });

  test("old skeletons, unconfirmed sends and refused CRM writes, by code only", async () => {
    const business = await seedWorkspace(database);
    const { conversationId, identityId } = await seedConversation(database, business);
    const messageId = await seedMessage(database, business.workspaceId, conversationId);
    await owner.query("update message set base_rank = 0, received_at = $1 where id = $2", [ago(2 * dayMs), messageId]);
    await owner.query(
      `insert into send (workspace_id, id, idempotency_key, number_id, conversation_id, identity_id, origin, type, state, state_at, created_at)
       values ($1, $2, 'key', $3, $4, $5, 'agent', 'text', 'unconfirmed', $6, $6)`,
      [business.workspaceId, randomUUID(), business.numberId, conversationId, identityId, ago(3_600_000)],
    );
    await owner.query(
      `insert into crm_write (workspace_id, install_id, message_id, state, marker, refusal, next_try_at)
       values ($1, $2, $3, 'refused', 'm', '{"code":"crm.invalid_property","detail":"Asha"}', now())`,
      [business.workspaceId, business.installId, messageId],
    );

    expect(await linesAbout("messages never received")).toEqual([
      "warn  messages never received: 1, known for a day only by a status, edit or reaction. Usual for messages from before the number was connected; else look for parked items.",
    ]);
    expect((await linesAbout("sends not confirmed"))[0]).toMatch(
      /^warn {2}sends not confirmed: 1, oldest for 60 min\./,
    );
    expect(await linesAbout("CRM writes refused")).toEqual([
      "warn  CRM writes refused: 1 by hubspot with crm.invalid_property. npm run trace -- WAMID shows one of them with its record.",
    ]);
  });
});

test("a role above row-level security is refused", () => {
  const role = (name: string, isSuperuser = false, bypassesRls = false) => ({ name, isSuperuser, bypassesRls });
  const app = [role("triveni_app"), role("triveni_worker")];

  expect(judgeRoles([role("boss", true), ...app])).toMatchObject({
    level: "FAIL",
    value: "boss is a superuser or has BYPASSRLS",
  });
  expect(judgeRoles([role("triveni"), role("triveni_app"), role("triveni_worker", false, true)]).level).toBe("FAIL");
  expect(judgeRoles([role("triveni"), role("triveni_app")]).level).toBe("FAIL");
});

test("little room on the disk warns, and almost none fails", () => {
  expect([100, 4, 0.5].map((gib) => judgeDisk(gib, "data").level)).toEqual(["ok", "warn", "FAIL"]);
});

test("every problem of the settings is a line of its own, and complete settings say what they lead to", () => {
  const meta = { META_APP_ID: "1", META_APP_SECRET: "s3cret", META_VERIFY_TOKEN: "t0ken" };
  let problems: string[] = [];
  try {
    readConfig(meta);
  } catch (failure) {
    problems = settingsProblems(failure as Failure).map(lineOf);
  }
  const complete = checkSettings(readConfig({ ...meta, PUBLIC_URL: "https://crm.example.com" })).map(lineOf);

  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^FAIL {2}settings: PUBLIC_URL is not set: .*\.env\.example explains each setting/);
  expect(complete).toEqual([
    "ok    settings: complete; roles web and worker, embedded database.",
    "warn  HubSpot connector: off. Set HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET, if you use HubSpot.",
  ]);
  expect([...problems, ...complete].join()).not.toMatch(/s3cret|t0ken/);
});

test("names of ours stay in an error's words, values do not", () => {
  expect(withoutValues('new row for relation "message" violates check constraint "no_x"')).toBe(
    'new row for relation "message" violates check constraint "no_x"',
  );
  expect(withoutValues('Unexpected token "Hi Asha"... of 919845000117')).toBe('Unexpected token "…"... of …');
});

test("ages are told in the unit that a person would use", () => {
  expect([1_000, 119_000, 120_000, 3 * 3_600_000, 9 * dayMs].map((ms) => age(ago(ms), now))).toEqual([
    "1 s",
    "119 s",
    "2 min",
    "3 h",
    "9 days",
  ]);
});
