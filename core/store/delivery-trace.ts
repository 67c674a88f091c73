import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface TracedDelivery {
  id: string;
  receivedAt: Date;
  bytes: number;
  payload: Buffer;
  isRouted: boolean;
}

export interface Span {
  from: Date;
  to: Date;
}

const deliveriesMax = 50;

/**
 * Deliveries of a span whose bytes hold one of these texts: a scan, since nothing on the hot path keeps which delivery
 * told of which message. Partitions outside the span are not touched. Give the transaction a time limit.
 */
export async function deliveriesHolding(
  tx: Tx,
  texts: readonly string[],
  { from, to }: Span,
): Promise<TracedDelivery[]> {
  const { rows } = await tx.query(sql`
    select d.id, d.received_at as "receivedAt", octet_length(d.payload) as bytes, d.payload,
      not exists (select from delivery_writer w where w.id = d.id / 4294967296 and d.id > w.routed_through) as "isRouted"
    from delivery d
    where d.received_at between ${from} and ${to}
      and exists (select from unnest(${texts}::text[]) t where position(convert_to(t, 'UTF8') in d.payload) > 0)
    order by d.received_at, d.id limit ${deliveriesMax}`);
  return rows;
}

export interface Stop {
  deliveryId: string;
  /** null: all changes of the delivery. */
  changes: number[] | null;
  what: "waits in lane" | "parked" | "kept for an unknown number" | "kept unknown";
  detail: string;
  since: Date;
}

/** Where parts of these deliveries still are, or ended, when they are not simply applied. */
export async function stopsOf(tx: Tx, deliveryIds: readonly string[]): Promise<Stop[]> {
  const ids = sql`any (${deliveryIds}::bigint[])`;
  const { rows } = await tx.query(sql`
    select delivery_id as "deliveryId", changes, 'waits in lane' as what, lane_id::text as detail, received_at as since
    from lane_item where delivery_id = ${ids}
    union all select delivery_id, changes, 'parked', reason, parked_at
    from parked_item where delivery_id = ${ids} and reapplied_at is null
    union all select delivery_id, changes, 'kept for an unknown number', coalesce(phone_number_id, waba_id, ''), received_at
    from unrouted_change where delivery_id = ${ids}
    union all select delivery_id, array[change], 'kept unknown', field || ': ' || reason, kept_at
    from kept_change where delivery_id = ${ids}`);
  return rows;
}
