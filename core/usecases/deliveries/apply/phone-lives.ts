import { type PhoneEvent, type PhonePeriod, phonePeriods } from "#core/domain/identity/phone-periods.ts";
import { ensureIdentities, type Identity, type IdentityKey, identitiesOfPhones } from "#core/store/identities.ts";
import { loadHolders, loadNumberChanges, type NumberChange, type PhoneKey } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";

/** Who moved to a phone, by Meta's word; the identity when that word had a BSUID. */
export interface Mover extends NumberChange {
  identityId: string | undefined;
}

/** All that is known of who held a phone number when. */
export interface PhoneLife {
  key: PhoneKey;
  periods: PhonePeriod[];
  /** By the key of the period. */
  identities: Map<string, Identity>;
  /** Of periods that turned out not to be: what was attributed to them belongs to others. */
  formerIds: string[];
  /** Identity by BSUID. */
  holders: Map<string, string>;
  /** By the wamid that said so. */
  movers: Map<string, Mover>;
}

/**
 * Loads the lives of phones, and of those that people moved from or to: who held the old phone then says who holds the
 * new one. Every period gets its identity.
 */
export async function loadPhoneLives(tx: Tx, phones: readonly PhoneKey[]): Promise<Map<string, PhoneLife>> {
  const { all, changes } = await withNeighbours(tx, phones);
  const movers = await findMovers(tx, changes);
  const holders = Map.groupBy(await loadHolders(tx, all), phoneText);
  const lives = all.map((key): PhoneLife => {
    const held = holders.get(phoneText(key)) ?? [];
    const moved = movers.filter((mover) => phoneText(mover) === phoneText(key));
    const events: PhoneEvent[] = [
      ...held.map((it) => ({ kind: "holder" as const, at: it.firstSeenAt, bsuid: it.bsuid })),
      ...moved.map((it) => ({ kind: "change" as const, at: it.changedAt, wamid: it.wamid })),
    ];
    return {
      key,
      periods: phonePeriods(key.phone, events),
      identities: new Map(),
      formerIds: [],
      holders: new Map(held.map((it) => [it.bsuid, it.identityId])),
      movers: new Map(moved.map((it) => [it.wamid, it])),
    };
  });
  await ensurePeriods(tx, lives);
  return new Map(lives.map((life) => [phoneText(life.key), life]));
}

/** Follows changes of number in both directions until nothing new is met. */
async function withNeighbours(
  tx: Tx,
  phones: readonly PhoneKey[],
): Promise<{ all: PhoneKey[]; changes: NumberChange[] }> {
  const all = new Map(phones.map((phone) => [phoneText(phone), phone]));
  const changes = new Map<string, NumberChange>();
  for (let fresh: PhoneKey[] = [...phones]; fresh.length > 0; ) {
    const met: PhoneKey[] = [];
    for (const change of await loadNumberChanges(tx, fresh)) {
      const { workspaceId, portfolioKey, phone, fromPhone } = change;
      changes.set(`${workspaceId} ${change.wamid}`, change);
      for (const other of [phone, fromPhone])
        if (other !== undefined) met.push({ workspaceId, portfolioKey, phone: other });
    }
    fresh = met.filter((phone) => !all.has(phoneText(phone)));
    for (const phone of fresh) all.set(phoneText(phone), phone);
  }
  return { all: [...all.values()], changes: [...changes.values()] };
}

async function findMovers(tx: Tx, changes: readonly NumberChange[]): Promise<Mover[]> {
  const named = changes.filter((change) => change.fromBsuid !== undefined);
  const identities = await ensureIdentities(
    tx,
    named.map(({ workspaceId, portfolioKey, fromBsuid }) => ({
      workspaceId,
      portfolioKey,
      kind: "bsuid" as const,
      key: fromBsuid as string,
    })),
  );
  const idByWamid = new Map(named.map((change, at) => [change.wamid, identities[at]?.id]));
  return changes.map((change) => ({ ...change, identityId: idByWamid.get(change.wamid) }));
}

async function ensurePeriods(tx: Tx, lives: readonly PhoneLife[]): Promise<void> {
  const wanted = lives.flatMap((life) =>
    life.periods.map(({ key }) => {
      const { workspaceId, portfolioKey } = life.key;
      const identity: IdentityKey = { workspaceId, portfolioKey, kind: "phone", key };
      return { life, identity };
    }),
  );
  const made = await ensureIdentities(
    tx,
    wanted.map(({ identity }) => identity),
  );
  for (const [at, identity] of made.entries()) wanted[at]?.life.identities.set(identity.key, identity);
  const existing = Map.groupBy(
    await identitiesOfPhones(
      tx,
      lives.map((life) => life.key),
    ),
    phoneText,
  );
  for (const life of lives)
    for (const { key, id } of existing.get(phoneText(life.key)) ?? [])
      if (!life.identities.has(key)) life.formerIds.push(id);
}

export function phoneText({ workspaceId, portfolioKey, phone }: PhoneKey): string {
  return `${workspaceId} ${portfolioKey} ${phone}`;
}
