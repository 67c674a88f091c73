import { expect, test } from "vitest";
import { asWorkspace, asWorkspaces, type Tx } from "#core/store/transaction.ts";
import { applyPayloads, connectNumber } from "#test/support/apply.ts";
import { freshDatabase } from "#test/support/database.ts";
import { drain, recordDeliveries } from "#test/support/drain.ts";
import { delivery, inbound, price, statusOf, textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const at = 1_795_000_000;
const now = new Date("2026-11-21T12:00:00Z");

/** Tables that belong to no workspace, by name: everything else must be behind row-level security. */
const withoutWorkspace = [
  "bucket",
  "delivery",
  "delivery_default",
  "delivery_writer",
  "lane",
  "lane_item",
  "lease",
  "migration",
  "parked_item",
  "unrouted_change",
  "worker",
];

async function tenantTables(): Promise<string[]> {
  const { rows } = await database.owner.query(`select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname !~ '^delivery_\\d' order by 1`);
  return rows.map((row) => row.relname).filter((name) => !withoutWorkspace.includes(name));
}

/** One of everything that apply writes. */
async function fill(phoneNumberId: string) {
  const number = await connectNumber(database, { phoneNumberId });
  const asha = { phone: "919845000117", bsuid: "IN.111", name: "Asha" };
  await applyPayloads(
    database,
    number,
    [
      textFrom(asha, "same-wamid", at, "Hello"),
      textFrom({ phone: "919845000118" }, "by-phone", at, "Hello"),
      statusOf("same-wamid", "delivered", at, price),
      inbound(asha, "e", at, {
        type: "edit",
        edit: { original_message_id: "same-wamid", message: { type: "text", text: { body: "x" } } },
      }),
      inbound(asha, "r", at, { type: "reaction", reaction: { message_id: "same-wamid", emoji: "👍" } }),
      inbound({ phone: "919811100000" }, "c", at, {
        type: "system",
        system: { type: "user_changed_number", wa_id: "919811100001" },
      }),
      delivery("user_preferences", { user_preferences: [{ user_id: "IN.111", value: "stop", timestamp: at }] }),
      delivery("smb_app_state_sync", {
        state_sync: [{ type: "contact", action: "add", contact: { phone_number: "919845000117", full_name: "A" } }],
      }),
      delivery("history", { history: [{ metadata: { phase: 0, chunk_order: 1 }, threads: [] }] }),
      delivery("account_review_update", { decision: "APPROVED" }),
      delivery("nonsense", {}),
    ],
    now,
  );
  return number;
}

const a = await fill("number-a");
const b = await fill("number-b");

/** Not filled by webhooks: their rows are made by their own usecases' tests. */
const empty = [
  "audit_entry",
  "console_entry",
  "console_session",
  "crm_write",
  "install",
  "message_removal",
  "record_link",
  "send",
];

test("every table of a tenant has forced row-level security, its three policies and workspace_id first in its key", async () => {
  const tables = await tenantTables();
  expect(tables.length).toBeGreaterThan(20);
  const { rows } = await database.owner.query(
    `select c.relname, c.relrowsecurity and c.relforcerowsecurity as forced,
       (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies,
       (select a.attname from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indrelid = c.oid and i.indisprimary) as first
     from pg_class c where c.relname = any ($1) and c.relnamespace = 'public'::regnamespace`,
    [tables],
  );
  expect(rows.filter((row) => !row.forced || row.policies !== 3 || row.first !== "workspace_id")).toEqual([]);
});

test.each([
  ["worker", (work: (tx: Tx) => Promise<unknown>) => asWorkspaces(database.worker, [a.workspaceId], work)],
  ["app", (work: (tx: Tx) => Promise<unknown>) => asWorkspace(database.app, a.workspaceId, work)],
] as const)("a %s that works for one workspace sees and changes nothing of another", async (_role, inA) => {
  for (const table of await tenantTables()) {
    await inA(async (tx) => {
      const { rows: readable } = await tx.query("select has_table_privilege($1, 'select') as it", [table]);
      const { rows } = readable[0].it ? await tx.query(`select distinct workspace_id from ${table}`) : { rows: [] };
      expect({ table, seen: rows.map((row) => row.workspace_id) }).toEqual({
        table,
        seen: empty.includes(table) ? [] : [a.workspaceId],
      });
    });
    const touched = inA((tx) => tx.query(`delete from ${table} where workspace_id = '${b.workspaceId}'`));
    const answer = await touched.then(
      (result) => (result as { rowCount: number }).rowCount,
      (error) => error.code,
    );
    expect({ table, answer }).toEqual({ table, answer: expect.toBeOneOf([0, "42501"]) });
  }
});

test("a row of another workspace cannot be written", async () => {
  const foreign = asWorkspaces(database.worker, [a.workspaceId], (tx) =>
    tx.query(
      "insert into conversation (workspace_id, id, number_id, identity_id) values ($1, gen_random_uuid(), 1, gen_random_uuid())",
      [b.workspaceId],
    ),
  );

  await expect(foreign).rejects.toMatchObject({ code: "42501" });
});

test("a pooled connection forgets the workspace of its last transaction", async () => {
  await asWorkspaces(database.worker, [a.workspaceId], (tx) => tx.query("select"));
  const { rows } = await database.worker.query("select count(*)::int as seen from message");

  expect(rows[0].seen).toBe(0);
});

test("one delivery with the same wamid, BSUID and phone for two workspaces gives each its own", async () => {
  const one = textFrom({ phone: "917000000001", bsuid: "IN.777" }, "shared", at, "For A", "number-a") as {
    entry: unknown[];
  };
  const other = textFrom({ phone: "917000000001", bsuid: "IN.777" }, "shared", at, "For B", "number-b") as {
    entry: unknown[];
  };
  await recordDeliveries(database, [Buffer.from(JSON.stringify({ ...one, entry: [...one.entry, ...other.entry] }))]);
  await drain(database);

  const { rows } = await database.owner.query(`select m.workspace_id, m.body, count(i.id)::int as identities
    from message m join identity i on i.workspace_id = m.workspace_id and i.id = m.identity_id
    where m.wamid = 'shared' group by 1, 2 order by 2`);
  expect(rows).toEqual([
    { workspace_id: a.workspaceId, body: "For A", identities: 1 },
    { workspace_id: b.workspaceId, body: "For B", identities: 1 },
  ]);
});

test("the web side may record deliveries and not read them; the worker may read and not write them", async () => {
  await expect(database.app.query("select payload from delivery")).rejects.toMatchObject({ code: "42501" });
  await expect(database.worker.query("insert into delivery values (1, now(), 'meta', '')")).rejects.toMatchObject({
    code: "42501",
  });
});

test("what is append-only cannot be rewritten by a request or a worker", async () => {
  for (const table of ["consent_entry", "audit_entry", "account_event"])
    for (const pool of [database.app, database.worker])
      await expect(pool.query(`delete from ${table}`)).rejects.toMatchObject({ code: "42501" });
});
