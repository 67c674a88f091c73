import type { Naming } from "#core/domain/fact.ts";
import { canonicalPhone } from "#core/domain/identity/phone.ts";
import { ensureIdentities, type IdentityKey } from "#core/store/identities.ts";
import { type Attribute, type AttributeKind, joinAttributes } from "#core/store/identity-attributes.ts";
import type { PhoneKey } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";
import { type SettledPhones, settlePhones } from "./settle-phones.ts";

/** Somebody whom a fact names at a moment. `evidence` (a wamid) is who they are when nothing else is said. */
export interface Reference {
  workspaceId: string;
  portfolioKey: string;
  naming: Naming;
  at: Date;
  evidence: string;
}

/**
 * Finds or makes the identity of everybody named, aligned with `references`; keeps what they were called; and settles
 * which phone belongs to whom. Person key order: BSUID within the portfolio, else the phone in its period
 * (whatsapp.md 3.3). A message that names nobody gets an identity of its own, so that it has a place (I10).
 */
export async function resolvePeople(tx: Tx, references: readonly Reference[], now: Date): Promise<string[]> {
  const direct = new Map<string, IdentityKey>();
  for (const reference of references) {
    const key = directKey(reference);
    if (key) direct.set(textOf(key), key);
  }
  const identities = await ensureIdentities(tx, [...direct.values()]);
  const idByKey = new Map(identities.map((identity) => [textOf(identity), identity.id]));

  const news = await joinAttributes(
    tx,
    attributesOf(references, (key) => idByKey.get(textOf(key)) as string),
  );
  const phones = phonesToSettle(references, news);
  const settled = await settlePhones(tx, phones, now);
  await nameByPhone(tx, references, settled);
  return references.map((reference) => {
    if (reference.naming.identityId !== undefined) return reference.naming.identityId;
    const key = directKey(reference);
    return key ? (idByKey.get(textOf(key)) as string) : settled.identityAt(phoneKey(reference), reference.at);
  });
}

function directKey({ workspaceId, portfolioKey, naming, evidence }: Reference): IdentityKey | undefined {
  if (naming.identityId !== undefined) return undefined;
  const at = { workspaceId, portfolioKey };
  if (naming.group !== undefined) return { ...at, kind: "group", key: naming.group };
  if (naming.bsuid !== undefined) return { ...at, kind: "bsuid", key: naming.bsuid };
  return naming.phone === undefined ? { ...at, kind: "unnamed", key: evidence } : undefined;
}

function isByPhone(reference: Reference): boolean {
  return reference.naming.identityId === undefined && directKey(reference) === undefined;
}

function phoneKey({ workspaceId, portfolioKey, naming }: Reference): PhoneKey {
  return { workspaceId, portfolioKey, phone: canonicalPhone(naming.phone as string) };
}

/** A phone is settled when somebody is known by nothing else, and again when a BSUID was newly seen with it. */
function phonesToSettle(references: readonly Reference[], news: readonly Attribute[]) {
  const isNew = new Set(news.filter((it) => it.kind === "phone").map((it) => `${it.workspaceId} ${it.value}`));
  const byPhone = new Map<string, PhoneKey>();
  const seen = new Map<string, PhoneKey>();
  for (const reference of references) {
    const { phone, group, identityId } = reference.naming;
    if (phone === undefined || group !== undefined || identityId !== undefined) continue;
    const key = phoneKey(reference);
    const name = `${key.workspaceId} ${key.portfolioKey} ${key.phone}`;
    if (isByPhone(reference)) byPhone.set(name, key);
    else if (isNew.has(`${key.workspaceId} ${key.phone}`)) seen.set(name, key);
  }
  return {
    byPhone: [...byPhone.values()],
    news: [...seen].filter(([name]) => !byPhone.has(name)).map(([, key]) => key),
  };
}

function attributesOf(references: readonly Reference[], idOf: (key: IdentityKey) => string): Attribute[] {
  const seen = new Map<string, Attribute>();
  for (const reference of references) {
    const key = directKey(reference);
    if (key && key.kind !== "group") collect(seen, reference, idOf(key));
  }
  return [...seen.values()];
}

/** People known by phone only have names too; their identity is known only once the phone is settled. */
async function nameByPhone(tx: Tx, references: readonly Reference[], settled: SettledPhones): Promise<void> {
  const seen = new Map<string, Attribute>();
  for (const reference of references)
    if (isByPhone(reference)) collect(seen, reference, settled.identityAt(phoneKey(reference), reference.at), true);
  await joinAttributes(tx, [...seen.values()]);
}

function collect(seen: Map<string, Attribute>, reference: Reference, identityId: string, byPhone = false): void {
  const { workspaceId, naming, at } = reference;
  const phone = naming.phone === undefined ? undefined : canonicalPhone(naming.phone);
  const values: [AttributeKind, string | undefined][] = [
    ["phone", byPhone ? undefined : phone],
    ["wa-id", naming.phone === phone ? undefined : naming.phone],
    ["username", naming.username],
    ["name", naming.profileName?.slice(0, 500)],
    ["parent-bsuid", naming.parentBsuid === naming.bsuid ? undefined : naming.parentBsuid],
  ];
  for (const [kind, value] of values) {
    if (value === undefined) continue;
    const mapKey = `${workspaceId}${identityId}${kind} ${value}`;
    const known = seen.get(mapKey);
    const day = new Date(Math.floor(at.getTime() / 86_400_000) * 86_400_000);
    seen.set(mapKey, {
      workspaceId,
      identityId,
      kind,
      value,
      firstSeenAt: known && known.firstSeenAt < at ? known.firstSeenAt : at,
      lastSeenAt: known && known.lastSeenAt > day ? known.lastSeenAt : day,
    });
  }
}

function textOf({ workspaceId, portfolioKey, kind, key }: IdentityKey): string {
  return `${workspaceId} ${portfolioKey} ${kind} ${key}`;
}
