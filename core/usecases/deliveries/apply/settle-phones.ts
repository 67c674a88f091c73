import { type PhonePeriod, periodAt } from "#core/domain/identity/phone-periods.ts";
import { findIdentities, type Identity, type IdentityKey } from "#core/store/identities.ts";
import {
  closeEdge,
  edgesOf,
  insertEdges,
  type NewEdge,
  projectPersons,
  type StoredEdge,
} from "#core/store/person-edges.ts";
import type { PhoneKey } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";
import { moveBetweenPeriods } from "./move-between-periods.ts";
import { loadPhoneLives, type PhoneLife, phoneText } from "./phone-lives.ts";

export interface SettledPhones {
  /** The identity of whoever held the phone at that moment. Only for phones that were settled. */
  identityAt(phone: PhoneKey, at: Date): string;
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
  const known = news.length > 0 ? await findIdentities(tx, news.map(firstPeriod)) : [];
  const phones = [...byPhone, ...news.filter((_, at) => known[at] !== undefined)];
  const lives = phones.length > 0 ? await loadPhoneLives(tx, phones) : new Map<string, PhoneLife>();
  if (lives.size > 0) await settleEdges(tx, lives, now);
  for (const { key, periods, identities, formerIds } of lives.values()) {
    if (periods.length + formerIds.length === 1) continue;
    const ids = [...periods.map((period) => idOf(identities, period)), ...formerIds];
    await moveBetweenPeriods(tx, key.workspaceId, ids, (at) => idOf(identities, periodAt(periods, at)));
  }
  return {
    identityAt(phone, at) {
      const { periods, identities } = lives.get(phoneText(phone)) as PhoneLife;
      return idOf(identities, periodAt(periods, at));
    },
  };
}

async function settleEdges(tx: Tx, lives: Map<string, PhoneLife>, now: Date): Promise<void> {
  const owned = [...lives.values()].flatMap(({ key, identities, formerIds }) =>
    [...[...identities.values()].map(({ id }) => id), ...formerIds].map((id) => ({ workspaceId: key.workspaceId, id })),
  );
  const known = await edgesOf(
    tx,
    owned.map((it) => it.workspaceId),
    owned.map((it) => it.id),
  );
  const wanted = [...lives.values()].flatMap((life) => edgesWanted(life, lives, now));
  const wantedPairs = new Set(wanted.map(pairOf));
  const settledPairs = new Set(known.filter(isDecided).map(pairOfStored));
  const missing = wanted.filter((edge) => !settledPairs.has(pairOf(edge)));
  const wrong = known.filter((edge) => isOurs(edge) && !wantedPairs.has(pairOfStored(edge)));
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

/** Open already, or parted by an agent: neither is to be made (again). */
function isDecided(edge: StoredEdge): boolean {
  return edge.madeBy === us && (edge.isOpen || edge.closedBy !== us);
}

function isOurs(edge: StoredEdge): boolean {
  return edge.isOpen && edge.madeBy === us && (edge.reason === "shown-together" || edge.reason === "changed-number");
}

function edgesWanted(
  { key, periods, identities, holders, movers }: PhoneLife,
  lives: Map<string, PhoneLife>,
  now: Date,
) {
  const edge = { workspaceId: key.workspaceId, madeBy: us, madeAt: now };
  return periods.flatMap((period): NewEdge[] => {
    const own = idOf(identities, period);
    const holder = period.holder === undefined ? undefined : holders.get(period.holder);
    const mover = period.openedBy === undefined ? undefined : movers.get(period.openedBy);
    const origin = mover?.fromPhone && lives.get(phoneText({ ...key, phone: mover.fromPhone }));
    const from =
      mover?.identityId ?? (origin && mover && idOf(origin.identities, periodAt(origin.periods, mover.changedAt)));
    const edges: NewEdge[] = [];
    if (holder) edges.push({ ...edge, between: [own, holder], reason: "shown-together", evidence: key.phone });
    if (mover && from && from !== own)
      edges.push({ ...edge, between: [own, from], reason: "changed-number", evidence: mover.wamid });
    return edges;
  });
}

function firstPeriod({ workspaceId, portfolioKey, phone }: PhoneKey): IdentityKey {
  return { workspaceId, portfolioKey, kind: "phone", key: phone };
}

function idOf(identities: Map<string, Identity>, period: PhonePeriod): string {
  return (identities.get(period.key) as Identity).id;
}

function pairOf({ workspaceId, between }: NewEdge): string {
  return `${workspaceId} ${between.toSorted().join(" ")}`;
}

function pairOfStored({ workspaceId, a, b }: StoredEdge): string {
  return `${workspaceId} ${a} ${b}`;
}
