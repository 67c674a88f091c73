import type pg from "pg";
import { sql } from "#core/store/sql.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { personOf } from "./data/people.ts";
import { type PlainPart, type PlainWorld, plainPart, sentPart } from "./data/plain-rows.ts";
import type { Incoming, Stream } from "./data/stream.ts";
import { wamidOf } from "./data/webhook-bodies.ts";
import { insertWorkspaces } from "./data/workspaces.ts";
import { writePlain } from "./reference/apply.ts";

const BATCH = 500;

export interface SeedShape {
  workspaces: number;
  people: number;
  from: Date;
}

/** Workspaces, and people who have written once, made by the plain statements. */
export async function seedStore(database: BenchDatabase, { workspaces, people, from }: SeedShape): Promise<PlainWorld> {
  const world: PlainWorld = {
    workspaces: await insertWorkspaces(database.owner, workspaces),
    known: new Map(),
    messageIds: new Map(),
  };
  const texts = Array.from({ length: people }, (_, personIndex): Incoming => {
    const person = personOf(personIndex % workspaces, personIndex);
    const wamid = wamidOf("in", person.phone, personIndex);
    return { kind: "text", person, personIndex, isNewPerson: true, wamid, sentAt: from, text: "Hello!" };
  });
  for (let at = 0; at < texts.length; at += BATCH) {
    const some = texts.slice(at, at + BATCH);
    await write(database.worker, plainPart(world, some, [], await drawIds(database.owner, some.length)));
  }
  await database.owner.query("vacuum analyze");
  return world;
}

/** Puts the messages that a stream's ticks are about into the store. */
export async function insertSent(database: BenchDatabase, world: PlainWorld, { outgoing }: Stream): Promise<void> {
  for (let at = 0; at < outgoing.length; at += BATCH) {
    const some = outgoing.slice(at, at + BATCH);
    await write(database.worker, sentPart(world, some, await drawIds(database.owner, some.length)));
  }
}

/** What a whole stream leaves behind, cut into parts of 500 changes and made ready beforehand. */
export async function plainParts(database: BenchDatabase, world: PlainWorld, stream: Stream): Promise<PlainPart[]> {
  const { texts, outgoing } = stream;
  const parts: PlainPart[] = [];
  const count = Math.ceil(stream.changes.length / BATCH);
  const share = <T>(all: readonly T[], at: number) =>
    all.slice(Math.floor((at * all.length) / count), Math.floor(((at + 1) * all.length) / count));
  const ids = await drawIds(database.owner, texts.length);
  for (let at = 0; at < count; at++)
    parts.push(plainPart(world, share(texts, at), share(outgoing, at), share(ids, at)));
  return parts;
}

/** One transaction on the worker role's connection. */
export function write(worker: pg.Pool, { rows, workspaceIds }: PlainPart): Promise<void> {
  return asWorkspaces(worker, workspaceIds, (tx) => writePlain(tx, rows));
}

async function drawIds(owner: pg.Pool, count: number): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(sql`
    select nextval('message_id_seq') as id from generate_series(1, ${count})`);
  return rows.map(({ id }) => id);
}

const TABLES = [
  ...["identity", "identity_attribute", "person_edge", "conversation", "message", "message_status", "charge"],
  ...["crm_write", "parked_item", "kept_change", "unrouted_change"],
] as const;

/** How many rows each table has: both ways must leave the same. */
export async function countRows(owner: pg.Pool): Promise<Map<string, number>> {
  const counts = TABLES.map((table) => `select '${table}' as table, count(*)::int as rows from ${table}`);
  const { rows } = await owner.query<{ table: string; rows: number }>(counts.join(" union all "));
  return new Map(rows.map((row) => [row.table, row.rows]));
}
