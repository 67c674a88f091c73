import {
  countMax,
  parkedByReason,
  recordFacts,
  unroutedFacts,
  waitingDeliveries,
  writerFacts,
} from "#core/store/backlog.ts";
import type { Tx } from "#core/store/transaction.ts";
import { withoutValues } from "../without-values.ts";
import { age, type Check, fail, ok, warn } from "./check.ts";

/** From here on waiting is no longer the burst of a moment. */
const waitMs = { warn: 60_000, fail: 600_000, historyWarn: 3_600_000 };
const isWorkerRunning = "Is a process with ROLES=worker running? Its log says what it is at.";
const deadWriterMs = 2 * 3_600_000;

export async function checkPartitions(tx: Tx, now: Date): Promise<Check[]> {
  const { missingDays, rowsInDefault } = await recordFacts(tx, now);
  const todo = `A worker makes them at start and every hour. ${isWorkerRunning}`;
  const missing = `none for ${missingDays.join(", ")}`;
  const days = missingDays.includes(now.toISOString().slice(0, 10)) ? fail : warn;
  const inDefault = rowsInDefault === countMax ? `${countMax} or more` : `${rowsInDefault}`;
  return [
    missingDays.length > 0
      ? days("partitions of delivery", missing, todo)
      : ok("partitions of delivery", "today and 3 days"),
    rowsInDefault > 0
      ? warn(
          "delivery_default",
          `${inDefault} deliveries of days without a partition`,
          `They are safe and applied; ${todo}`,
        )
      : ok("delivery_default", "empty"),
  ];
}

export async function checkWaiting(tx: Tx, now: Date): Promise<Check[]> {
  const { unroutedSince, live, liveSince, history, historySince } = await waitingDeliveries(tx);
  const waited = (what: string, since: Date | null, count = "") => {
    if (since === null) return ok(what, "none");
    const value = `${count}oldest for ${age(since, now)}`;
    const ms = now.getTime() - since.getTime();
    if (ms > waitMs.fail) return fail(what, value, isWorkerRunning);
    return ms > waitMs.warn ? warn(what, value, isWorkerRunning) : ok(what, value);
  };
  const isSlow = historySince !== null && now.getTime() - historySince.getTime() > waitMs.historyWarn;
  const imports = historySince === null ? "none" : `${history}, oldest for ${age(historySince, now)}`;
  return [
    waited("deliveries not routed", unroutedSince),
    waited("live items waiting", liveSince, `${live}, `),
    isSlow ? warn("history items waiting", imports, isWorkerRunning) : ok("history items waiting", imports),
  ];
}

export async function checkParked(tx: Tx, keptDays: number): Promise<Check[]> {
  const reasons = await parkedByReason(tx);
  if (reasons.length === 0) return [ok("parked items", "none")];
  return reasons.map(({ reason, count, oldestAt }) => {
    const until = new Date(oldestAt.getTime() + keptDays * 86_400_000).toISOString().slice(0, 10);
    const todo = `After an upgrade that mends this: npm run reapply, until ${until}.`;
    return warn("parked items", `${count}, because ${withoutValues(reason)}`, todo);
  });
}

export async function checkUnrouted(tx: Tx): Promise<Check> {
  const what = "changes of unknown numbers";
  const { changes, places, until } = await unroutedFacts(tx);
  if (until === null) return ok(what, "none");
  const value = `${changes} of ${places} numbers or WABAs that nobody has connected`;
  return warn(what, value, `Connect them; the first are let go on ${until.toISOString().slice(0, 10)}.`);
}

export async function checkWriters(tx: Tx, now: Date): Promise<Check> {
  const what = "delivery writers";
  const { alive, dead, deadSince } = await writerFacts(tx);
  const value = `${alive} alive, ${dead} gone`;
  const isOld = deadSince !== null && now.getTime() - deadSince.getTime() > deadWriterMs;
  return isOld
    ? warn(what, value, `The hourly round forgets those that are gone. ${isWorkerRunning}`)
    : ok(what, value);
}
