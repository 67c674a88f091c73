import type { Fact, Naming } from "#core/domain/fact.ts";
import { canonicalPhone } from "#core/domain/identity/phone.ts";
import { edgesOf, insertEdges, type NewEdge, projectPersons } from "#core/store/person-edges.ts";
import { insertNumberChange } from "#core/store/phones.ts";
import type { Tx } from "#core/store/transaction.ts";
import { type Entry, entriesOf } from "./entry.ts";
import { type Reference, resolvePeople } from "./people.ts";

export interface Named {
  /** Who is at the other end of the conversation. */
  personOf(entry: Entry): string | undefined;
  /** Who wrote: inside a group a member, elsewhere the person. */
  authorOf(entry: Entry): string | undefined;
}

/** Gives everybody whom the facts name an identity, and joins identities that Meta says are one human. */
export async function namePeople(tx: Tx, entries: readonly Entry[], now: Date): Promise<Named> {
  await recordNewPhones(tx, entries, now);
  const references: Reference[] = [];
  const person = new Map<Entry, number>();
  const author = new Map<Entry, number>();
  for (const entry of entries) {
    const naming = namingOf(entry.fact);
    if (!naming) continue;
    person.set(entry, references.push(referenceOf(entry, naming.person)) - 1);
    if (naming.author) author.set(entry, references.push(referenceOf(entry, naming.author)) - 1);
  }
  const ids = await resolvePeople(tx, references, now);
  await joinByNewBsuids(tx, entries, now);
  const at = (index: number | undefined) => (index === undefined ? undefined : ids[index]);
  return {
    personOf: (entry) => at(person.get(entry)),
    authorOf: (entry) => at(author.get(entry) ?? person.get(entry)),
  };
}

function namingOf(fact: Fact): { person: Naming; author?: Naming | undefined } | undefined {
  if (fact.kind === "message" || fact.kind === "reaction") return { person: fact.person, author: fact.author };
  if (fact.kind === "preference" || fact.kind === "naming") return { person: fact.person };
  if (fact.kind === "new-bsuid") return { person: { ...fact.person, bsuid: fact.current } };
  // A status names somebody only when it shows what we may not know yet; else it would cost every tick a look-up.
  if (fact.kind === "status" && fact.recipient.bsuid && fact.recipient.phone) return { person: fact.recipient };
  return undefined;
}

function referenceOf(entry: Entry, naming: Naming): Reference {
  const { workspaceId, portfolioKey, fact } = entry;
  const evidence = "wamid" in fact ? fact.wamid : entry.deliveryId;
  return { workspaceId, portfolioKey, naming, at: momentOf(fact) ?? entry.receivedAt, evidence };
}

function momentOf(fact: Fact): Date | undefined {
  if (fact.kind === "message") return fact.sentAt;
  if (fact.kind === "reaction") return fact.reactedAt;
  if (fact.kind === "status") return fact.occurredAt;
  if (fact.kind === "naming") return fact.seenAt;
  return fact.kind === "preference" || fact.kind === "new-bsuid" || fact.kind === "new-phone" ? fact.at : undefined;
}

/** "This person has a new BSUID": both are identities, and one human, unless an agent has said otherwise. */
async function joinByNewBsuids(tx: Tx, entries: readonly Entry[], now: Date): Promise<void> {
  const moved = entriesOf(entries, "new-bsuid");
  if (moved.length === 0) return;
  const references = moved.flatMap((entry) =>
    [entry.fact.previous, entry.fact.current].map((bsuid) => referenceOf(entry, { bsuid })),
  );
  const ids = await resolvePeople(tx, references, now);
  const told = moved.flatMap(({ workspaceId, fact }, at): NewEdge[] => {
    const between = [ids[2 * at] as string, ids[2 * at + 1] as string] as const;
    if (between[0] === between[1]) return [];
    return [{ workspaceId, between, reason: fact.reason, evidence: fact.evidence, madeBy: "triveni", madeAt: now }];
  });
  const known = await edgesOf(
    tx,
    told.map((it) => it.workspaceId),
    told.map((it) => it.between[0]),
  );
  const parted = new Set(known.filter((it) => !it.isOpen && it.closedBy !== "triveni").map(({ a, b }) => `${a} ${b}`));
  const edges = told.filter(({ between }) => !parted.has(between.toSorted().join(" ")));
  await insertEdges(tx, edges);
  const touched = edges.flatMap(({ workspaceId, between }) => between.map((id) => ({ workspaceId, id })));
  await projectPersons(
    tx,
    touched.map((it) => it.workspaceId),
    touched.map((it) => it.id),
  );
}

/** "This person has a new phone": from that moment the new phone has a new holder, whoever had it before. */
async function recordNewPhones(tx: Tx, entries: readonly Entry[], now: Date): Promise<void> {
  const moved = entriesOf(entries, "new-phone");
  for (const { workspaceId, portfolioKey, fact } of moved) {
    const { bsuid: fromBsuid, phone } = fact.previous;
    // A BSUID says who moved for good; the phone they left says it only as long as it had one holder.
    const fromPhone = fromBsuid === undefined && phone !== undefined ? canonicalPhone(phone) : undefined;
    await insertNumberChange(tx, {
      workspaceId,
      portfolioKey,
      wamid: fact.wamid,
      phone: canonicalPhone(fact.phone),
      fromBsuid,
      fromPhone,
      changedAt: fact.at,
    });
  }
  // Settles both ends, even where nobody was seen with them yet.
  const ends = moved.flatMap((entry) =>
    [entry.fact.previous, { phone: entry.fact.phone }].map((who) => referenceOf(entry, who)),
  );
  await resolvePeople(tx, ends, now);
}
