import { type PhoneEvent, type PhonePeriod, periodAt, phonePeriods } from "#core/domain/identity/phone-periods.ts";
import { ensureIdentities, findIdentities, type Identity, type IdentityKey } from "#core/store/identities.ts";
import {
  closeEdge,
  edgesOf,
  insertEdges,
  type NewEdge,
  projectPersons,
  type StoredEdge,
} from "#core/store/person-edges.ts";
import { loadHolders, loadNumberChanges, type PhoneKey } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";
import { moveBetweenPeriods } from "./move-between-periods.ts";

export interface SettledPhones {
  /** The identity of whoever held the phone at that moment. Only for phones that were settled. */
  identityAt(phone: PhoneKey, at: Date): string;
}

interface Settled {
  key: PhoneKey;
  periods: PhonePeriod[];
  identities: Map<string, Identity>;
  holders: Map<string, string>;
}

/** Made by us, from what Meta showed; an agent's own joining and parting is never touched. */
const us = "triveni";

/**
 * Brings the identities and edges of phone numbers in line with all that is known of their holders. What it leaves is
 * a function of the facts alone, so it does not matter in which order they came. A phone gets identities of its own
 * only once somebody is known by nothing else (`byPhone`); until then its holders' attributes say all (`news`).
 */
export async function settlePhones(
  tx: Tx,
  { byPhone, news }: { byPhone: readonly PhoneKey[]; news: readonly PhoneKey[] },
  now: Date,
): Promise<SettledPhones> {
  const settled = new Map<string, Settled>();
  const known = news.length > 0 ? await findIdentities(tx, news.map(firstPeriod)) : [];
  const phones = [...byPhone, ...news.filter((_, at) => known[at] !== undefined)];
  if (phones.length > 0) {
    for (const one of await loadPeriods(tx, phones)) settled.set(textOf(one.key), one);
    await settleEdges(tx, [...settled.values()], now);
    for (const { key, periods, identities } of settled.values())
      if (periods.length > 1)
        await moveBetweenPeriods(tx, key.workspaceId, periods, (period) => idOf(identities, period));
  }
  return {
    identityAt(phone, at) {
      const { periods, identities } = settled.get(textOf(phone)) as Settled;
      return idOf(identities, periodAt(periods, at));
    },
  };
}

async function loadPeriods(tx: Tx, phones: readonly PhoneKey[]): Promise<Settled[]> {
  const firsts = await ensureIdentities(tx, phones.map(firstPeriod));
  const holders = Map.groupBy(await loadHolders(tx, phones), textOf);
  const changes = Map.groupBy(await loadNumberChanges(tx, phones), textOf);
  const settled = phones.map((key, at): Settled => {
    const held = holders.get(textOf(key)) ?? [];
    const events: PhoneEvent[] = [
      ...held.map((it) => ({ kind: "holder" as const, at: it.firstSeenAt, bsuid: it.bsuid })),
      ...(changes.get(textOf(key)) ?? []).map((it) => ({
        kind: "change" as const,
        at: it.changedAt,
        wamid: it.wamid,
        fromIdentityId: it.fromIdentityId,
      })),
    ];
    const first = firsts[at] as Identity;
    return {
      key,
      periods: phonePeriods(key.phone, events),
      identities: new Map([[first.key, first]]),
      holders: new Map(held.map((it) => [it.bsuid, it.identityId])),
    };
  });
  await ensureLaterPeriods(tx, settled);
  return settled;
}

async function ensureLaterPeriods(tx: Tx, settled: readonly Settled[]): Promise<void> {
  const wanted = settled.flatMap((one) =>
    one.periods.slice(1).map((period) => ({ one, key: identityKey(one.key, period.key) })),
  );
  const made = await ensureIdentities(
    tx,
    wanted.map(({ key }) => key),
  );
  for (const [at, identity] of made.entries()) wanted[at]?.one.identities.set(identity.key, identity);
}

async function settleEdges(tx: Tx, settled: readonly Settled[], now: Date): Promise<void> {
  const owned = settled.flatMap(({ identities }) => [...identities.values()]);
  const known = await edgesOf(
    tx,
    owned.map((it) => it.workspaceId),
    owned.map((it) => it.id),
  );
  const wanted = settled.flatMap((one) => edgesWanted(one, now));
  const wantedPairs = new Set(wanted.map(pairOf));
  const settledPairs = new Set(
    known.filter((edge) => edge.isOpen || edge.closedBy !== us).map((it) => `${it.workspaceId} ${it.a} ${it.b}`),
  );
  const missing = wanted.filter((edge) => !settledPairs.has(pairOf(edge)));
  const wrong = known.filter((edge) => isOurs(edge) && !wantedPairs.has(`${edge.workspaceId} ${edge.a} ${edge.b}`));
  for (const { workspaceId, id } of wrong)
    await closeEdge(tx, { workspaceId, id, by: us, reason: "an earlier holder of the phone was learnt of", at: now });
  await insertEdges(tx, missing);
  const touched = [
    ...missing.flatMap(({ workspaceId, between }) => between.map((id) => ({ workspaceId, id }))),
    ...wrong.flatMap(({ workspaceId, a, b }) => [a, b].map((id) => ({ workspaceId, id }))),
  ];
  await projectPersons(
    tx,
    touched.map((it) => it.workspaceId),
    touched.map((it) => it.id),
  );
}

function isOurs(edge: StoredEdge): boolean {
  return edge.isOpen && edge.madeBy === us && edge.reason === "shown-together";
}

function edgesWanted({ key, periods, identities, holders }: Settled, now: Date): NewEdge[] {
  const edge = { workspaceId: key.workspaceId, madeBy: us, madeAt: now };
  return periods.flatMap((period): NewEdge[] => {
    const own = idOf(identities, period);
    const holder = period.holder === undefined ? undefined : holders.get(period.holder);
    const edges: NewEdge[] = [];
    if (holder) edges.push({ ...edge, between: [own, holder], reason: "shown-together", evidence: key.phone });
    if (period.changedFrom && period.changedFrom !== own) {
      const evidence = period.key.slice(key.phone.length + 1);
      edges.push({ ...edge, between: [own, period.changedFrom], reason: "changed-number", evidence });
    }
    return edges;
  });
}

function firstPeriod(phone: PhoneKey): IdentityKey {
  return identityKey(phone, phone.phone);
}

function identityKey({ workspaceId, portfolioKey }: PhoneKey, key: string) {
  return { workspaceId, portfolioKey, kind: "phone" as const, key };
}

function idOf(identities: Map<string, Identity>, period: PhonePeriod): string {
  return (identities.get(period.key) as Identity).id;
}

function pairOf({ workspaceId, between }: NewEdge): string {
  return `${workspaceId} ${between.toSorted().join(" ")}`;
}

function textOf({ workspaceId, portfolioKey, phone }: PhoneKey): string {
  return `${workspaceId} ${portfolioKey} ${phone}`;
}
