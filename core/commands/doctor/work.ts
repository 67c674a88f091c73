import { countMax, oldSkeletons, refusedCrmWrites, unconfirmedSends, workerFacts } from "#core/store/backlog.ts";
import type { Tx } from "#core/store/transaction.ts";
import { age, type Check, ok, warn } from "./check.ts";

const dayMs = 86_400_000;

export async function checkWorkers(tx: Tx, now: Date): Promise<Check> {
  const { fresh, lastAt } = await workerFacts(tx);
  if (fresh > 0) return ok("workers", `${fresh} with a fresh heartbeat`);
  const value = lastAt === null ? "none" : `none, the last one was seen ${age(lastAt, now)} ago`;
  return warn("workers", value, "Nothing is applied or sent: start a process with ROLES=worker (npm start has it).");
}

export async function checkSkeletons(tx: Tx, now: Date): Promise<Check> {
  const what = "messages never received";
  const count = await oldSkeletons(tx, new Date(now.getTime() - dayMs));
  if (count === 0) return ok(what, "none");
  const many = count === countMax ? `${countMax} or more` : `${count}`;
  const todo = "Usual for messages from before the number was connected; else look for parked items.";
  return warn(what, `${many}, known for a day only by a status, edit or reaction`, todo);
}

export async function checkSends(tx: Tx, now: Date): Promise<Check> {
  const what = "sends not confirmed";
  const { count, oldestAt } = await unconfirmedSends(tx);
  if (oldestAt === null) return ok(what, "none");
  const todo = "Meta's answer was lost: whoever sent it decides in the conversation whether to send again.";
  return warn(what, `${count}, oldest for ${age(oldestAt, now)}`, todo);
}

export async function checkCrmWrites(tx: Tx): Promise<Check[]> {
  const refused = await refusedCrmWrites(tx);
  if (refused.length === 0) return [ok("CRM writes refused", "none")];
  const todo = "npm run trace -- WAMID shows one of them with its record.";
  return refused.map(({ crm, code, count }) => warn("CRM writes refused", `${count} by ${crm} with ${code}`, todo));
}
