import type { AccountFact } from "#core/domain/fact.ts";
import { insertAccountEvent, joinAccountFacts } from "#core/store/accounts.ts";
import { phoneNumberIdsByDisplay } from "#core/store/numbers.ts";
import type { Tx } from "#core/store/transaction.ts";
import type { Entry } from "./entry.ts";

/** Account, template, quality and limit webhooks: appended as events, and settled on their objects. */
export async function applyAccountFacts(tx: Tx, entries: readonly Entry[]): Promise<void> {
  const told = entries.filter((entry): entry is Entry<AccountFact> => entry.fact.kind === "account");
  if (told.length === 0) return;
  const known = await namesOfNumbers(tx, told);
  for (const { workspaceId, deliveryId, fact } of told) {
    const named = { ...fact, objectId: known(workspaceId, fact.objectId) };
    await insertAccountEvent(tx, workspaceId, deliveryId, named);
    await joinAccountFacts(
      tx,
      workspaceId,
      fact.aspects.map((aspect) => ({ ...aspect, objectId: known(workspaceId, aspect.objectId) })),
    );
  }
}

const printed = "phone:";

/** Webhooks that print only a number's digits mean one of our numbers; an unknown one keeps its digits. */
async function namesOfNumbers(
  tx: Tx,
  told: readonly Entry<AccountFact>[],
): Promise<(workspaceId: string, objectId: string) => string> {
  const phones = told
    .filter(({ fact }) => fact.objectId.startsWith(printed))
    .map(({ workspaceId, fact }) => ({ workspaceId, displayPhone: fact.objectId.slice(printed.length) }));
  const ids = phones.length === 0 ? new Map<string, string>() : await phoneNumberIdsByDisplay(tx, phones);
  return (workspaceId, objectId) =>
    objectId.startsWith(printed) ? (ids.get(`${workspaceId} ${objectId.slice(printed.length)}`) ?? objectId) : objectId;
}
