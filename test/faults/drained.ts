import type { Owner } from "./database-server.ts";
import type { Poster } from "./poster.ts";
import { seen } from "./stage.ts";

/** Waits until everything is acknowledged and no queue holds anything; false when that took too long. */
export async function untilDrained(owner: Owner, poster: Poster, withinMs: number): Promise<boolean> {
  const drained = await seen(async () => {
    if (poster.outstanding() > 0) return undefined;
    const [left] = await owner.ask<{ waiting: string }>(waiting);
    return left?.waiting === "0" ? true : undefined;
  }, withinMs);
  return drained === true;
}

/** Recorded and not routed; routed and not applied; kept for a number that is connected by now. */
const waiting = `
  select (select count(*) from delivery_writer w join delivery d on d.id > w.routed_through and d.id >> 32 = w.id)
    + (select count(*) from lane_item)
    + (select count(*) from unrouted_change u join business_number n using (phone_number_id)) as waiting`;
