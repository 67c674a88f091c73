import type pg from "pg";
import { type Statement, sql } from "#core/store/sql.ts";
import { conversationCount, type LongStoreShape, STRIDE } from "./long-store-shape.ts";
import { seededRandom } from "./random.ts";
import { wordsOf } from "./webhook-bodies.ts";
import { type BenchWorkspace, insertWorkspaces } from "./workspaces.ts";

export interface LongStore {
  shape: LongStoreShape;
  /** Conversation `at` belongs to workspace `at % workspaces.length`. */
  workspaces: BenchWorkspace[];
}

/** The CRM record that a conversation is shown on. */
export function recordOf(conversation: number): { crm: string; type: string; id: string } {
  return { crm: "bench", type: "contact", id: String(conversation) };
}

/** Names repeat, as they do in life: a look-up by name alone would find many. */
const NAMES = 97;

export function nameOf(conversation: number): string {
  return `Customer ${conversation % NAMES}`;
}

const CHUNK = 500_000;
const WRITERS = 2;

/**
 * Fills an empty, migrated database by SQL. The indexes of `message` are taken off meanwhile and made again from their own
 * definitions, which leaves the same table sooner. `say` hears how far it is.
 */
export async function fillLongStore(
  owner: pg.Pool,
  shape: LongStoreShape,
  say: (line: string) => void,
): Promise<LongStore> {
  const workspaces = await insertWorkspaces(owner, shape.workspaces);
  await insertPeople(owner, shape, workspaces);
  const remake = await takeOffIndexes(owner);
  const chunks = Array.from({ length: Math.ceil(shape.messages / CHUNK) }, (_, at) => at * CHUNK + 1).values();
  const writer = async () => {
    for (const from of chunks) await insertMessages(owner, shape, workspaces, from);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  say(`${shape.messages} messages in ${conversationCount(shape)} conversations inserted`);
  await remake();
  await owner.query("vacuum (analyze)");
  await owner.query(sql`select setval('message_id_seq', ${shape.messages})`);
  return { shape, workspaces };
}

/** Each conversation with its person: an identity with phone and name, linked to a record of the CRM. */
async function insertPeople(
  owner: pg.Pool,
  shape: LongStoreShape,
  workspaces: readonly BenchWorkspace[],
): Promise<void> {
  const place = sql`
    with place as (
      select c.at, w.*, md5('b' || c.at)::uuid as person_id, '917' || lpad(c.at::text, 9, '0') as phone
      from generate_series(0, ${conversationCount(shape) - 1}::int) c(at)
      join unnest(${workspaces.map((it) => it.workspaceId)}::uuid[], ${workspaces.map((it) => it.numberId)}::bigint[],
        ${workspaces.map((it) => it.portfolioKey)}::text[], ${workspaces.map((it) => it.installId)}::uuid[])
        with ordinality w(workspace_id, number_id, portfolio_key, install_id, nr) on w.nr = 1 + c.at % ${workspaces.length}::int)`;
  const parts: Statement[] = [
    sql`insert into identity (workspace_id, id, portfolio_key, kind, key, person_id)
      select workspace_id, person_id, portfolio_key, 'bsuid', 'IN.44' || lpad(at::text, 14, '0'), person_id from place`,
    sql`insert into identity_attribute (workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
      select workspace_id, person_id, 'phone', phone, now() - interval '2 years', current_date from place
      union all select workspace_id, person_id, 'name', 'Customer ' || at % ${NAMES}::int, now() - interval '2 years', current_date from place`,
    sql`insert into conversation (workspace_id, id, number_id, identity_id, version, last_message_at, last_live_inbound_at)
      select workspace_id, md5('c' || at)::uuid, number_id, person_id, ${shape.messages}, now(), now() from place`,
    sql`insert into record_link (workspace_id, install_id, identity_id, record_type, record_id, linked_by, linked_at)
      select workspace_id, install_id, person_id, 'contact', at::text, 'bench', now() from place`,
  ];
  for (const part of parts) await owner.query(sql`${place} ${part}`);
}

const WORDS = wordsOf(seededRandom(7), 400);

async function insertMessages(
  owner: pg.Pool,
  shape: LongStoreShape,
  workspaces: readonly BenchWorkspace[],
  from: number,
): Promise<void> {
  const to = Math.min(from + CHUNK - 1, shape.messages);
  const at = sql`1 + conversation % ${workspaces.length}::int`;
  await owner.query(sql`
    insert into message (workspace_id, id, number_id, wamid, conversation_id, identity_id, direction, origin, type, body, sent_at,
      received_at, opens_window, base_rank, content_rank, status_rank, version)
    select (${workspaces.map((it) => it.workspaceId)}::uuid[])[${at}], serial, (${workspaces.map((it) => it.numberId)}::bigint[])[${at}],
      'wamid.HBgM' || encode(convert_to('917' || lpad(conversation::text, 9, '0'), 'UTF8'), 'base64') || 'FQIAEhgU'
        || encode(convert_to(substr(md5(serial::text), 1, 18), 'UTF8'), 'base64') || 'AA==',
      md5('c' || conversation)::uuid, md5('b' || conversation)::uuid, case when is_in then 'in' else 'out' end,
      case when is_in then 'customer' else 'agent' end, 'text',
      substr(${WORDS}::text, 1 + (serial % 200)::int, 20 + (serial * 7919 % 100)::int),
      sent_at, sent_at, is_in, 4, 5, case when is_in then 0 else 5 end, serial
    from (
      select serial, serial % 2 = 0 as is_in, to_timestamp(0) + (${shape.fromUs} + serial * ${shape.stepUs}) * interval '1 microsecond' as sent_at,
        ${conversationIn(shape)} as conversation
      from generate_series(${from}::bigint, ${to}::bigint) serial offset 0) message_to_be`);
}

/** The same rule as `conversationOf`, in SQL. */
function conversationIn({ messages, kinds }: LongStoreShape): Statement {
  const slot = sql`(serial * ${STRIDE}::bigint % ${messages}::bigint)`;
  let [slots, first] = [0, 0];
  const cases = kinds.map(({ conversations, size }) => {
    const [before, offset] = [slots, first];
    slots += conversations * size;
    first += conversations;
    return sql`when ${slot} < ${slots}::bigint then ${offset}::int + ((${slot} - ${before}::bigint) / ${size}::bigint)::int`;
  });
  return sql`(case ${cases.reduce((all, one) => sql`${all} ${one}`)} end)`;
}

/** Returns what puts them on again. */
async function takeOffIndexes(owner: pg.Pool): Promise<() => Promise<void>> {
  const { rows: constraints } = await owner.query<{ name: string; definition: string }>(sql`
    select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
    where conrelid = 'message'::regclass and contype = 'p'`);
  const { rows: indexes } = await owner.query<{ name: string; definition: string }>(sql`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
    where indrelid = 'message'::regclass and not indisprimary`);
  for (const { name } of constraints) await owner.query(`alter table message drop constraint ${name}`);
  for (const { name } of indexes) await owner.query(`drop index ${name}`);
  const makers = [
    ...indexes.map(({ definition }) => definition),
    ...constraints.map(({ name, definition }) => `alter table message add constraint ${name} ${definition}`),
  ];
  return async () => {
    for (const maker of makers)
      await owner.query(`set maintenance_work_mem = '512MB'; ${maker}; reset maintenance_work_mem`);
  };
}
