import { expect, test } from "vitest";
import { routeUnrouted } from "#core/usecases/deliveries/route-unrouted.ts";
import { connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const { owner, worker } = database;
const at = 1_795_000_000;

function body(phoneNumberId: string, wamid: string): Buffer {
  return Buffer.from(JSON.stringify(textFrom({ bsuid: "IN.1" }, wamid, at, "Hello", phoneNumberId)));
}

/** A webhook that names its number only as printed, under a WABA that nobody knows. */
function printed(displayPhone: string): Buffer {
  const value = { display_phone_number: displayPhone, event: "ONBOARDING" };
  const entry = [{ id: "a foreign id", time: at, changes: [{ field: "phone_number_quality_update", value }] }];
  return Buffer.from(JSON.stringify({ object: "whatsapp_business_account", entry }));
}

async function count(table: string, workspaceId: string): Promise<number> {
  const { rows } = await owner.query(`select count(*)::int as n from ${table} where workspace_id = $1`, [workspaceId]);
  return rows[0].n;
}

async function moveAway(workspaceId: string): Promise<void> {
  await owner.query("update business_number set disconnected_at = now() where workspace_id = $1", [workspaceId]);
  await owner.query("update waba set disconnected_at = now() where workspace_id = $1", [workspaceId]);
}

test("what was received for a number's old owner goes to the old owner, also when somebody else has the number by now", async () => {
  const before = await connectNumber(database, { phoneNumberId: "moving" });
  await recordDeliveries(database, [body("moving", "for-old")], new Date());
  await moveAway(before.workspaceId);
  const after = await connectNumber(database, { phoneNumberId: "moving" });
  await recordDeliveries(database, [body("moving", "for-new")], new Date());
  await drain(database);

  const { rows } = await owner.query("select workspace_id, wamid from message where wamid like 'for-%' order by wamid");
  expect(rows).toEqual([
    { workspace_id: after.workspaceId, wamid: "for-new" },
    { workspace_id: before.workspaceId, wamid: "for-old" },
  ]);
});

test("what comes before a number is connected waits for its next owner", async () => {
  await recordDeliveries(database, [body("coming", "early")], new Date());
  await drain(database);
  const next = await connectNumber(database, { phoneNumberId: "coming" });
  await routeUnrouted(worker);
  await drain(database);

  expect(await count("message", next.workspaceId)).toBe(1);
});

test("what comes after a number was disconnected and nobody has taken it is kept, and is nobody's yet", async () => {
  const gone = await connectNumber(database, { phoneNumberId: "gone" });
  await moveAway(gone.workspaceId);
  await recordDeliveries(database, [body("gone", "late")], new Date());
  await drain(database);
  await routeUnrouted(worker);

  expect(await count("message", gone.workspaceId)).toBe(0);
  const { rows } = await owner.query("select count(*)::int as n from unrouted_change where phone_number_id = 'gone'");
  expect(rows[0].n).toBe(1);
});

test("a number that is printed like another workspace's is nobody's", async () => {
  const one = await connectNumber(database);
  const other = await connectNumber(database);
  await recordDeliveries(database, [printed("+91 99000 11223")], new Date());
  await drain(database);

  expect([await count("account_event", one.workspaceId), await count("account_event", other.workspaceId)]).toEqual([
    0, 0,
  ]);
});

test("a number that only one workspace prints so is found by it, now and once it is connected", async () => {
  await recordDeliveries(database, [printed("+91 80000 00001")], new Date());
  await drain(database);
  const own = await connectNumber(database);
  await owner.query("update business_number set display_phone = '918000000001' where workspace_id = $1", [
    own.workspaceId,
  ]);
  await recordDeliveries(database, [printed("918000000001")], new Date());
  await routeUnrouted(worker);
  await drain(database);

  const { rows } = await owner.query("select object_id from account_fact where workspace_id = $1", [own.workspaceId]);
  expect(rows).toEqual([{ object_id: own.phoneNumberId }]);
});

test("a delivery that the database refuses to route is parked alone, and nothing waits for it", async () => {
  const number = await connectNumber(database, { phoneNumberId: "beside" });
  await owner.query(
    "alter table unrouted_change add constraint no_poison check (phone_number_id is distinct from 'poison')",
  );
  await recordDeliveries(database, [body("beside", "p1"), body("poison", "p2"), body("beside", "p3")], new Date());
  await drain(database);
  await owner.query("alter table unrouted_change drop constraint no_poison");

  expect(await count("message", number.workspaceId)).toBe(2);
  const { rows } = await owner.query("select reason from parked_item");
  expect(rows).toEqual([{ reason: "refused: 23514 unrouted_change no_poison" }]);
});

test("ids as long as an index can hold are routed, and longer ones are no ids", async () => {
  const wide = "漢".repeat(170);
  await recordDeliveries(database, [body(wide, "wide"), body("漢".repeat(600), "wider")], new Date());

  await expect(drain(database)).resolves.toBeDefined();
});

test.each(["57014", "55P03", "42P01"])("an error %s of the server is tried again and parks nothing", async (state) => {
  const number = await connectNumber(database, { phoneNumberId: `trouble-${state}` });
  await owner.query(`create function trouble() returns trigger language plpgsql as
    $f$ begin raise exception 'trouble' using errcode = '${state}'; end $f$`);
  await owner.query("create trigger trouble before insert on message execute function trouble()");
  await recordDeliveries(database, [body(`trouble-${state}`, `t-${state}`)], new Date());

  await expect(drain(database)).rejects.toMatchObject({ code: state });
  await owner.query("drop function trouble cascade");

  expect(await drain(database)).toEqual({ applied: 1, parked: 0 });
  expect(await count("message", number.workspaceId)).toBe(1);
});
