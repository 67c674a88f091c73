import type { RecordResult } from "#core/crm/connector.ts";
import type { CrmPerson, CrmRecord } from "#core/crm/record.ts";
import { canonicalPhone } from "#core/domain/identity/phone.ts";
import { Failure } from "#core/kit/failure.ts";
import { selectPersonNames, selectRecentRefusals } from "#core/store/crm-messages.ts";
import { abandonLeases, acquireLeases, releaseLeases } from "#core/store/leases.ts";
import { insertLinks, selectLinksOfPersons, selectPhoneNeighbours } from "#core/store/record-links.ts";
import { asWorkspaces, type Tx } from "#core/store/transaction.ts";
import type { Turn } from "./turn.ts";

/** Few, so that their locks are short and a kill leaves few people waiting. */
const ABREAST = 8;
const BUSY_MS = 1_000;

/** Refusals that are about the person and not about one message. */
const ABOUT_PERSON = ["crm.required_property", "crm.record_refused", "crm.person_without_phone"];

export type Linked =
  | { outcome: "linked"; record: CrmRecord }
  | { outcome: "refused"; refusal: string; quietMs: number }
  | { outcome: "waits"; failure: Failure; delayMs?: number };

/**
 * The record of each person (`identities`: person id to the identity that will hold the link), found or made when there is
 * none yet. Finding and making happens under a lock per person over all processes, and what came of it is remembered before
 * the lock goes. When an answer was lost the lock stays closed until the CRM must show what was made.
 */
export async function linkPersons(turn: Turn, identities: ReadonlyMap<string, string>): Promise<Map<string, Linked>> {
  const linked = new Map<string, Linked>(await remembered(turn, [...identities.keys()]));
  const strangers = [...identities.keys()].filter((personId) => !linked.has(personId));
  for (const { personId, refusal } of await inWorkspace(turn, (tx) =>
    selectRecentRefusals(tx, turn.install, strangers, ABOUT_PERSON),
  )) {
    // No new quiet time, or somebody who writes often would never be offered again.
    linked.set(personId, { outcome: "refused", refusal, quietMs: 0 });
  }
  const asked = strangers.filter((personId) => !linked.has(personId));
  for (let at = 0; at < asked.length; at += ABREAST) {
    const results = await linkLocked(turn, asked.slice(at, at + ABREAST), identities);
    for (const [personId, result] of results) linked.set(personId, result);
    const stop = [...results.values()].find(
      (result) => result.outcome === "waits" && result.failure.next?.scope === "install",
    );
    // The CRM wants a pause from this install: everybody else waits with the same reason.
    if (stop) for (const personId of asked.slice(at + ABREAST)) linked.set(personId, stop);
    if (stop) break;
  }
  return linked;
}

async function remembered(
  turn: Turn,
  personIds: readonly string[],
): Promise<Map<string, RecordResult & { outcome: "linked" }>> {
  if (personIds.length === 0) return new Map();
  const links = await inWorkspace(turn, (tx) => selectLinksOfPersons(tx, turn.install, personIds));
  return new Map(
    links.map(({ personId, recordType, recordId }) => [
      personId,
      { outcome: "linked", record: { type: recordType, id: recordId }, how: "found" },
    ]),
  );
}

/** Links those whose lock we get; the others wait a moment for whoever has it. */
async function linkLocked(
  turn: Turn,
  personIds: readonly string[],
  identities: ReadonlyMap<string, string>,
): Promise<Map<string, Linked>> {
  const { worker, holder } = turn;
  const nameOf = (personId: string) => `link:${turn.install.installId}:${personId}`;
  const leases = await acquireLeases(worker.pool, personIds.map(nameOf), holder, worker.times.leaseMs);
  const names = leases.map(({ name }) => name);
  const abandoned = new Map(leases.map(({ name, wasAbandoned }) => [name, wasAbandoned]));
  const ours = personIds.filter((personId) => abandoned.has(nameOf(personId)));
  turn.hold(names);
  try {
    const found = await findLocked(turn, ours, identities, (personId) => abandoned.get(nameOf(personId)) ?? false);
    const unknown = ours.filter((personId) => found.get(personId)?.outcome === "unknown").map(nameOf);
    await abandonLeases(worker.pool, unknown, holder, worker.times.settleMs);
    await releaseLeases(
      worker.pool,
      names.filter((name) => !unknown.includes(name)),
      holder,
    );
    return new Map(personIds.map((personId) => [personId, linkedOf(turn, found.get(personId))]));
  } finally {
    // After an error the locks are still there: they end by themselves and count as abandoned.
    turn.letGo(names);
  }
}

async function findLocked(
  turn: Turn,
  personIds: readonly string[],
  identities: ReadonlyMap<string, string>,
  wasAbandoned: (personId: string) => boolean,
): Promise<Map<string, RecordResult>> {
  // Somebody may have linked them between our first look and the lock.
  const known = await remembered(turn, personIds);
  const people = await peopleOf(
    turn,
    personIds.filter((personId) => !known.has(personId)),
  );
  for (const person of people) person.mayExist = wasAbandoned(person.personId);
  const found = new Map<string, RecordResult>();
  const unsettled = new Map<string | undefined, RecordResult>();
  for (const round of roundsOf(people)) {
    // What may have been made for an earlier one of the same phone must be known before the next is looked for.
    for (const person of round) {
      const earlier = unsettled.get(phoneOf(person));
      if (earlier !== undefined) found.set(person.personId, earlier);
    }
    const ready = round.filter(({ personId }) => !found.has(personId));
    for (const [personId, result] of await findRound(turn, ready, identities)) found.set(personId, result);
    for (const person of ready) {
      const result = found.get(person.personId);
      const isOpen = result?.outcome === "unknown" || result?.outcome === "failed";
      if (isOpen && phoneOf(person) !== undefined) unsettled.set(phoneOf(person), result);
    }
  }
  return new Map<string, RecordResult>([...known, ...found]);
}

/** Nobody is in one round with another of the same phone: what was linked in the first decides about the second. */
function roundsOf(people: readonly CrmPerson[]): CrmPerson[][] {
  const rounds: CrmPerson[][] = [];
  const seen = new Map<string, number>();
  for (const person of people) {
    const phone = phoneOf(person);
    const round = phone === undefined ? 0 : (seen.get(phone) ?? 0);
    if (phone !== undefined) seen.set(phone, round + 1);
    rounds[round] = [...(rounds[round] ?? []), person];
  }
  return rounds;
}

async function findRound(
  turn: Turn,
  people: readonly CrmPerson[],
  identities: ReadonlyMap<string, string>,
): Promise<Map<string, RecordResult>> {
  const round = await underSamePhone(turn, people);
  const asked = people.filter(({ personId }) => !round.has(personId));
  const answers = asked.length > 0 ? await turn.connector.findOrCreateRecords(turn.context, asked) : [];
  for (const [at, { personId }] of asked.entries()) round.set(personId, answers[at] ?? lostAnswer(turn));
  await remember(turn, round, identities);
  return round;
}

async function peopleOf(turn: Turn, personIds: readonly string[]): Promise<CrmPerson[]> {
  if (personIds.length === 0) return [];
  const names = await inWorkspace(turn, (tx) => selectPersonNames(tx, turn.install.workspaceId, personIds));
  return names.map(({ personId, phones, bsuids, names: [name] }) => ({
    personId,
    phones: firstOfEachForm(phones),
    bsuids,
    ...(name !== undefined && { name }),
    mayExist: false,
    strangersRecords: [],
  }));
}

/** Meta's own spelling stands first and is kept; other spellings of the same number are left out. */
function firstOfEachForm(phones: readonly string[]): string[] {
  const forms = new Map<string, string>();
  for (const phone of phones) if (!forms.has(canonicalPhone(phone))) forms.set(canonicalPhone(phone), phone);
  return [...forms.values()];
}

/**
 * Who has the phone of somebody linked shares the record: one human seen by two portfolios. But the holders of a recycled
 * phone are two humans (I16): the record of one is never taken for the other, who gets a record of their own.
 */
async function underSamePhone(turn: Turn, people: readonly CrmPerson[]): Promise<Map<string, RecordResult>> {
  const phones = people.flatMap((person) =>
    person.phones.map((phone) => ({ personId: person.personId, phone: canonicalPhone(phone) })),
  );
  if (phones.length === 0) return new Map();
  const neighbours = await inWorkspace(turn, (tx) => selectPhoneNeighbours(tx, turn.install, phones));
  const results = new Map<string, RecordResult>();
  for (const person of people) {
    const theirs = neighbours.filter(({ personId }) => personId === person.personId);
    const strangers = new Set(theirs.filter(({ isStranger }) => isStranger).map(({ recordId }) => recordId));
    person.strangersRecords = [...strangers];
    const shared = theirs.find(({ phone, recordId }) => phone === phoneOf(person) && !strangers.has(recordId));
    if (shared === undefined) continue;
    const record = { type: shared.recordType, id: shared.recordId };
    results.set(person.personId, { outcome: "linked", record, how: "found" });
  }
  return results;
}

function phoneOf({ phones: [phone] }: CrmPerson): string | undefined {
  return phone === undefined ? undefined : canonicalPhone(phone);
}

async function remember(
  turn: Turn,
  found: ReadonlyMap<string, RecordResult>,
  identities: ReadonlyMap<string, string>,
): Promise<void> {
  const links = [...found].flatMap(([personId, result]) => {
    const identityId = identities.get(personId);
    if (result.outcome !== "linked" || identityId === undefined) return [];
    const { record, how } = result;
    return [{ identityId, recordType: record.type, recordId: record.id, linkedBy: `triveni:${how}` }];
  });
  if (links.length === 0) return;
  await inWorkspace(turn, (tx) => insertLinks(tx, turn.install, links));
  turn.context.log.info(
    { links: links.map(({ identityId, recordId, linkedBy }) => ({ identityId, recordId, linkedBy })) },
    "linked to records",
  );
}

function linkedOf(turn: Turn, result: RecordResult | undefined): Linked {
  if (result === undefined) return busy(turn);
  switch (result.outcome) {
    case "linked":
      return { outcome: "linked", record: result.record };
    case "refused":
      return { outcome: "refused", refusal: JSON.stringify(result.refusal), quietMs: turn.worker.times.quietMs };
    case "unknown":
      return { outcome: "waits", failure: result.failure, delayMs: turn.worker.times.settleMs };
    case "failed":
      return { outcome: "waits", failure: result.failure };
  }
}

function busy({ install }: Turn): Linked {
  const message = `Somebody else is finding this person's record in install ${install.installId}.`;
  return { outcome: "waits", failure: new Failure("conflict", "crm.link_busy", message), delayMs: BUSY_MS };
}

function lostAnswer({ connector }: Turn): RecordResult {
  const message = `The ${connector.crm} connector answered for fewer people than it was asked about.`;
  return { outcome: "unknown", failure: new Failure("unavailable", "crm.lost_answer", message) };
}

function inWorkspace<T>({ worker, install }: Turn, work: (tx: Tx) => Promise<T>): Promise<T> {
  return asWorkspaces(worker.pool, [install.workspaceId], work);
}
