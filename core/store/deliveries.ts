import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Ids of one writer: `writer * 2^32 + number`, so that they fit a JavaScript integer and count up in commit order. */
const idsPerWriter = 2 ** 32;
const writersMax = 2 ** 21;
/** Class of the advisory lock that a living writer holds. */
export const writerLock = 0x7415;

export interface Writer {
  id: number;
  /** First id that this writer may give. */
  nextDeliveryId: number;
}

/**
 * Registers the connection as a writer. Its lock tells the janitor that it lives, and is taken in the same statement:
 * a row that could be seen before its lock might be forgotten, and with it every delivery that follows.
 */
export async function openWriter(client: Tx): Promise<Writer> {
  const { rows } = await client.query(sql`
    with drawn as materialized (select nextval(pg_get_serial_sequence('delivery_writer', 'id'))::integer as id),
      locked as materialized (select id, pg_advisory_lock(${writerLock}, id) from drawn)
    insert into delivery_writer (id, routed_through) overriding system value
    select id, ${idsPerWriter}::bigint * id from locked returning id`);
  const id: number = rows[0].id;
  if (id >= writersMax)
    throw new RangeError(`Delivery writer ${id}: the ids are used up, the sequence must be restarted.`);
  return { id, nextDeliveryId: id * idsPerWriter + 1 };
}

/** One durable batch: when it returns, every row is on disk. Wakes the routers of other processes when asked to. */
export async function insertDeliveries(
  client: Tx,
  firstId: number,
  receivedAt: Date,
  payloads: readonly Uint8Array[],
  notify: boolean,
): Promise<void> {
  const statement = notify ? insertAndNotify : insertOnly;
  await client.query({ ...statement, values: [firstId, receivedAt, payloads] });
}

const insertOnly = {
  name: "insert-deliveries",
  text: `insert into delivery (id, received_at, payload)
    select $1::bigint + u.at - 1, $2, u.payload from unnest($3::bytea[]) with ordinality u(payload, at)`,
};
const insertAndNotify = {
  name: "insert-deliveries-and-notify",
  text: `with made as (${insertOnly.text}) select pg_notify('deliveries', '')`,
};

export interface RawDelivery {
  id: string;
  receivedAt: Date;
  payload: Buffer;
}

export interface OpenCursor {
  writerId: number;
  routedThrough: string;
}

/** Locks a writer that has deliveries to route; skips those that another router is at. */
export async function takeWriter(tx: Tx): Promise<OpenCursor | undefined> {
  const { rows } = await tx.query(sql.named("take-writer")`
    select w.id as "writerId", w.routed_through as "routedThrough"
    from delivery_writer w
    where exists (select from delivery d where d.id > w.routed_through and d.id < ${idsPerWriter}::bigint * (w.id::bigint + 1))
    order by w.routed_at limit 1 for update skip locked`);
  return rows[0];
}

/** The next deliveries of a writer, bounded by rows and bytes (one is always given). */
export async function nextDeliveries(
  tx: Tx,
  cursor: OpenCursor,
  rowsMax: number,
  bytesMax: number,
): Promise<RawDelivery[]> {
  const { rows } = await tx.query(sql.named("next-deliveries")`
    select id, received_at as "receivedAt", payload from (
      select id, received_at, payload, row_number() over w as at, sum(octet_length(payload)) over w as bytes from (
        select id, received_at, payload from delivery
        where id > ${cursor.routedThrough} and id < ${idsPerWriter}::bigint * (${cursor.writerId}::bigint + 1)
        order by id limit ${rowsMax}) next
      window w as (order by id)) bounded
    where at = 1 or bytes <= ${bytesMax}
    order by id`);
  return rows;
}

export async function moveCursor(tx: Tx, writerId: number, last: RawDelivery): Promise<void> {
  await tx.query(sql.named("move-cursor")`
    update delivery_writer set routed_through = ${last.id}, routed_at = now() where id = ${writerId}`);
}

export async function loadDeliveries(
  tx: Tx,
  keys: readonly { deliveryId: string; receivedAt: Date }[],
): Promise<Map<string, Buffer>> {
  if (keys.length === 0) return new Map();
  const { rows } = await tx.query(sql.named("load-deliveries")`
    select d.id, d.payload
    from unnest(${keys.map((it) => it.deliveryId)}::bigint[], ${keys.map((it) => it.receivedAt)}::timestamptz[]) u(id, received_at)
    join delivery d on d.id = u.id and d.received_at between u.received_at - interval '1 ms' and u.received_at + interval '1 ms'`);
  return new Map(rows.map((row) => [row.id, row.payload]));
}

/**
 * Forgets writers whose connection is gone and whose deliveries are all routed. Two statements: only what is read after
 * a writer's lock was found free is all that it ever wrote.
 */
export async function forgetDeadWriters(tx: Tx): Promise<number> {
  const { rows } = await tx.query(sql`
    select id from delivery_writer where pg_try_advisory_xact_lock(${writerLock}, id)`);
  const { rowCount } = await tx.query(sql`
    delete from delivery_writer w
    where w.id = any (${rows.map((row) => row.id)}::integer[])
      and not exists (select from delivery d where d.id > w.routed_through
        and d.id < ${idsPerWriter}::bigint * (w.id::bigint + 1))`);
  return rowCount ?? 0;
}
