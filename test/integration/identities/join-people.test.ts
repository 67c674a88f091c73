import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "#core/kit/clock.ts";
import { joinPeople, partPeople } from "#core/usecases/identities/join-people.ts";
import { applyPayloads, connectNumber, type TestNumber } from "#test/support/apply.ts";
import { canonicalStore } from "#test/support/canonical-store.ts";
import { freshDatabase } from "#test/support/database.ts";
import { delivery, textFrom } from "#test/support/payloads.ts";

const database = await freshDatabase();
const at = 1_795_000_000;
const now = new Date("2026-11-21T12:00:00Z");
const bsuids = ["IN.1", "IN.2", "IN.3", "IN.4", "IN.5"];

/** Five people who each wrote once; returns their identity ids, in the order of `bsuids`. */
async function fivePeople(): Promise<{ number: TestNumber; ids: string[] }> {
  const number = await connectNumber(database);
  await applyPayloads(
    database,
    number,
    bsuids.map((bsuid) => textFrom({ bsuid }, `w-${bsuid}`, at, "Hello")),
    now,
  );
  const { rows } = await database.owner.query("select id from identity where workspace_id = $1 order by key", [
    number.workspaceId,
  ]);
  return { number, ids: rows.map((row) => row.id) };
}

async function personsOf({ workspaceId }: TestNumber): Promise<unknown> {
  return (await canonicalStore(database, workspaceId))["persons"];
}

const said = { agentId: "agent-1", reason: "same human, said so on the phone" };
const pair = fc.tuple(fc.nat(4), fc.nat(4)).filter(([a, b]) => a !== b);

test("agents' joinings are commutative, associative and idempotent, and parting restores what was before", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(pair, { selector: ([a, b]) => [a, b].sort().join(), maxLength: 5, minLength: 1 }),
      fc.infiniteStream(fc.nat()),
      async (pairs, random) => {
        const join = async (order: readonly (readonly [number, number])[]) => {
          const { number, ids } = await fivePeople();
          const identities = ([a, b]: readonly [number, number]) => [ids[a], ids[b]] as [string, string];
          for (const one of order)
            await joinPeople(database.app, systemClock, { ...said, ...number, identities: identities(one) });
          return { number, identities };
        };
        const shuffled = [...pairs, ...pairs]
          .map((one) => ({ one, at: random.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const last = pairs.at(-1) as [number, number];

        const { number, identities } = await join(shuffled);
        expect(await personsOf(number)).toEqual(await personsOf((await join(pairs)).number));

        await partPeople(database.app, systemClock, { ...said, ...number, identities: identities(last) });
        expect(await personsOf(number)).toEqual(await personsOf((await join(pairs.slice(0, -1))).number));
      },
    ),
    { numRuns: 15 },
  );
}, 60_000);

test("what an agent parted is not joined again by the same words of Meta", async () => {
  const number = await connectNumber(database);
  const together = textFrom({ phone: "919845000117", bsuid: "IN.9" }, "w1", at, "Hello");
  await applyPayloads(database, number, [together, textFrom({ phone: "919845000117" }, "w0", at, "By phone")], now);
  const { rows } = await database.owner.query("select id from identity where workspace_id = $1 order by kind", [
    number.workspaceId,
  ]);
  const identities = rows.map((row) => row.id) as [string, string];

  await partPeople(database.app, systemClock, { ...said, ...number, identities });
  await applyPayloads(
    database,
    number,
    [together, textFrom({ phone: "919845000117" }, "w2", at + 90_000, "Again")],
    now,
  );

  expect(await personsOf(number)).toEqual([{ person: ["bsuid:IN.9"] }, { person: ["phone:919845000117"] }]);
});

test("a redelivered change of BSUID does not join again what an agent parted", async () => {
  const number = await connectNumber(database);
  const update = delivery("user_id_update", {
    user_id_update: [{ user_id: { previous: "IN.1", current: "IN.2" }, timestamp: String(at) }],
  });
  await applyPayloads(database, number, [update], now);
  const { rows } = await database.owner.query("select id from identity where workspace_id = $1", [number.workspaceId]);
  const identities = rows.map((row) => row.id) as [string, string];
  expect(await personsOf(number)).toEqual([{ person: ["bsuid:IN.1", "bsuid:IN.2"] }]);

  await partPeople(database.app, systemClock, { ...said, ...number, identities });
  await applyPayloads(database, number, [update], now);

  expect(await personsOf(number)).toEqual([{ person: ["bsuid:IN.1"] }, { person: ["bsuid:IN.2"] }]);
});

test("an agent's word outlives the one of Meta that it stands beside", async () => {
  const number = await connectNumber(database);
  const [early, late] = [{ bsuid: "IN.1" }, { bsuid: "IN.2" }].map((who) => ({ ...who, phone: "919845000117" }));
  const byPhone = textFrom({ phone: "919845000117" }, "w0", at + 10, "By phone");
  await applyPayloads(database, number, [byPhone, textFrom(late as object, "w1", at + 5, "Hello")], now);
  const { rows } = await database.owner.query("select id from identity where workspace_id = $1", [number.workspaceId]);
  const identities = rows.map((row) => row.id) as [string, string];
  await joinPeople(database.app, systemClock, { ...said, ...number, identities });

  // An earlier holder is learnt of: the phone's first period was theirs, and what Meta showed of it is closed.
  await applyPayloads(database, number, [textFrom(early as object, "w2", at, "Hello")], now);

  const { rows: edges } = await database.owner.query(
    "select reason from person_edge where workspace_id = $1 and closed_at is null and reason = 'joined-by-agent'",
    [number.workspaceId],
  );
  expect(edges.length).toBe(1);
});

test("both say who did it and why, in the audit and on the edge", async () => {
  const { number, ids } = await fivePeople();
  const identities = [ids[0], ids[1]] as [string, string];
  await joinPeople(database.app, systemClock, { ...said, ...number, identities });
  await partPeople(database.app, systemClock, {
    ...said,
    ...number,
    identities,
    agentId: "agent-2",
    reason: "a mistake",
  });

  const { rows: edges } = await database.owner.query(
    "select made_by, evidence, closed_by, close_reason from person_edge where workspace_id = $1",
    [number.workspaceId],
  );
  const { rows: audit } = await database.owner.query(
    "select actor, action from audit_entry where workspace_id = $1 order by happened_at",
    [number.workspaceId],
  );
  expect(edges).toEqual([
    { made_by: "agent-1", evidence: said.reason, closed_by: "agent-2", close_reason: "a mistake" },
  ]);
  expect(audit).toEqual([
    { actor: "agent-1", action: "people.joined" },
    { actor: "agent-2", action: "people.parted" },
  ]);
});

test.each(["foreign", "unknown"])("a %s identity cannot be joined", async (which) => {
  const { number, ids } = await fivePeople();
  const { ids: others } = await fivePeople();
  const other = which === "foreign" ? others[0] : "0199a0b0-0000-7000-8000-000000000000";

  const joining = joinPeople(database.app, systemClock, {
    ...said,
    ...number,
    identities: [ids[0], other] as [string, string],
  });

  await expect(joining).rejects.toMatchObject({ code: "people.unknown" });
});

test("joining moves the version of every conversation that somebody may be looking at", async () => {
  const { number, ids } = await fivePeople();
  await joinPeople(database.app, systemClock, { ...said, ...number, identities: [ids[0], ids[1]] as [string, string] });

  const { rows } = await database.owner.query(
    "select version from conversation where workspace_id = $1 order by version",
    [number.workspaceId],
  );
  expect(rows.map((row) => row.version)).toEqual(["1", "1", "1", "2", "2"]);
});

test("transactions that join overlapping people at once end in one person", async () => {
  const { number, ids } = await fivePeople();
  const chain = [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ].map(([a, b]) => [ids[a as number], ids[b as number]] as [string, string]);

  await Promise.all(
    chain.map((identities) => joinPeople(database.app, systemClock, { ...said, ...number, identities })),
  );

  expect(await personsOf(number)).toEqual([{ person: bsuids.map((bsuid) => `bsuid:${bsuid}`) }]);
});
