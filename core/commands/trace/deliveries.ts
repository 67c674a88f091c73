import { deliveriesHolding, type Span, type Stop, stopsOf, type TracedDelivery } from "#core/store/delivery-trace.ts";
import type { Tx } from "#core/store/transaction.ts";
import { readDelivery } from "#core/whatsapp/delivery.ts";
import { withoutValues } from "../without-values.ts";
import { lineOf } from "./line.ts";

/** What is known of a message: its wamids, when it was first heard of, and the times of all that was told of it. */
export interface Told {
  wamids: readonly string[];
  heardAt: readonly Date[];
  times: readonly Date[];
}

const dayMs = 86_400_000;
/** Nothing is stored of it: the days in which somebody would ask. */
const unknownDays = 3;

/** Statuses of imported history are older than their delivery; a delivery may come a day late when we were away. */
export function toldSpan({ heardAt, times }: Told, now: Date): Span {
  if (heardAt.length === 0) return { from: new Date(now.getTime() - unknownDays * dayMs), to: now };
  const first = Math.min(...heardAt.map((time) => time.getTime()));
  const last = Math.max(first, ...times.map((time) => time.getTime()));
  return { from: new Date(first - dayMs), to: new Date(last + dayMs) };
}

/** The deliveries that name one of the wamids, each with its changes that do, and where those are. */
export async function deliveryLines(tx: Tx, told: Told, now: Date): Promise<string[]> {
  // Meta may write "/" as "\/".
  const texts = [...new Set(told.wamids.flatMap((wamid) => [wamid, wamid.replaceAll("/", "\\/")]))];
  const deliveries = await deliveriesHolding(tx, texts, toldSpan(told, now));
  const ids = deliveries.map(({ id }) => id);
  const stops = await stopsOf(tx, ids);
  return deliveries.flatMap((delivery) => linesOf(delivery, told, stops));
}

function linesOf(
  { payload, isRouted, ...delivery }: TracedDelivery,
  { wamids }: Told,
  stops: readonly Stop[],
): string[] {
  const head = lineOf("delivery", delivery);
  const own = stops.filter(({ deliveryId }) => deliveryId === delivery.id);
  const read = readDelivery(payload);
  if ("unreadable" in read) return [head, `  unreadable: ${withoutValues(read.unreadable)}; ${placeOf(own, isRouted)}`];

  const naming = read.changes.filter(({ value }) => wamids.some((wamid) => JSON.stringify(value).includes(wamid)));
  return [
    head,
    ...naming.map(({ index, field }) => {
      const meant = own.filter(({ changes }) => changes === null || changes.includes(index));
      return `  change ${index} (${withoutValues(field)}): ${placeOf(meant, isRouted)}`;
    }),
  ];
}

function placeOf(stops: readonly Stop[], isRouted: boolean): string {
  if (!isRouted) return "not routed yet";
  if (stops.length === 0) return "applied";
  return stops
    .map(({ what, detail, since }) => `${what} ${placeDetail(what, detail)}since ${since.toISOString()}`)
    .join("; ");
}

function placeDetail(what: Stop["what"], detail: string): string {
  if (what === "waits in lane" || what === "kept for an unknown number") return `${detail} `;
  return `(${withoutValues(detail)}) `;
}
