import { ownerAt } from "#core/domain/period.ts";
import type { LaneKey } from "#core/store/lanes.ts";
import { type NumberRoute, routesOfNumbers, routesOfPhones, routesOfWabas } from "#core/store/routes.ts";
import type { Tx } from "#core/store/transaction.ts";
import type { Address } from "#core/whatsapp/webhook.ts";

/** Which lane a change goes to, by where it is addressed and when it was received; undefined while nobody owns that. */
export type LaneFinder = (address: Address, receivedAt: Date) => LaneKey | undefined;

/**
 * By phone number id; else by WABA; else by the printed number (whatsapp.md 1.10). The owner is who had the number when
 * the delivery was received: a number that changed hands since does not take its old owner's customers along (I9).
 */
export async function laneFinder(tx: Tx, addresses: readonly Address[]): Promise<LaneFinder> {
  const named = addresses.filter((it) => it.phoneNumberId !== undefined);
  const others = addresses.filter((it) => it.phoneNumberId === undefined);
  const numbers = await routesOfNumbers(tx, distinct(named.map((it) => it.phoneNumberId)));
  const wabas = await routesOfWabas(tx, distinct(others.map((it) => it.wabaId)));
  const phones = await routesOfPhones(tx, distinct(others.map((it) => it.displayPhone)));
  return ({ kind, phoneNumberId, wabaId, displayPhone }, at) => {
    if (phoneNumberId !== undefined) {
      const number = ownerAt(numbers.get(phoneNumberId) ?? [], at);
      return number && { workspaceId: number.workspaceId, kind, wabaId: number.wabaId, numberId: number.numberId };
    }
    const printed = displayPhone === undefined ? undefined : onlyOwner(phones.get(displayPhone) ?? [], at);
    const waba = (wabaId === undefined ? undefined : ownerAt(wabas.get(wabaId) ?? [], at)) ?? printed;
    return waba && { workspaceId: waba.workspaceId, kind, wabaId: waba.wabaId, numberId: undefined };
  };
}

/** A printed number proves nothing where two of ours are printed alike: then it is nobody's. */
function onlyOwner(routes: readonly NumberRoute[], at: Date): NumberRoute | undefined {
  const owners = [...Map.groupBy(routes, (route) => route.workspaceId).values()].flatMap(
    (own) => ownerAt(own, at) ?? [],
  );
  return owners.length === 1 ? owners[0] : undefined;
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
