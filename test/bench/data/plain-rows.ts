import { v7 as newId } from "uuid";
import type { PlainBatch, Row } from "../reference/apply.ts";
import type { Incoming, Outgoing } from "./stream.ts";
import type { BenchWorkspace } from "./workspaces.ts";

/** What a later change must know of a person in the store. */
export interface KnownPerson {
  identityId: string;
  conversationId: string;
}

export interface PlainWorld {
  workspaces: readonly BenchWorkspace[];
  /** By index of the person. */
  known: Map<number, KnownPerson>;
  /** Of our own messages, by wamid. */
  messageIds: Map<string, string>;
}

export interface PlainPart {
  rows: PlainBatch;
  workspaceIds: string[];
}

const RANK = { delivered: 4, read: 5 };
const DAY_MS = 86_400_000;

/** The rows that a part of a stream leaves behind; `ids` are message ids drawn for its texts. */
export function plainPart(
  world: PlainWorld,
  texts: readonly Incoming[],
  outgoing: readonly Outgoing[],
  ids: readonly string[],
): PlainPart {
  const rows = noRows();
  const touched = new Map<string, Row>();
  texts.forEach((text, at) => {
    addText(world, rows, text, ids[at] as string);
  });
  for (const text of texts) if (!text.isNewPerson) touch(world, touched, text.personIndex, 1, text.sentAt);
  for (const one of outgoing) {
    addTicks(world, rows, one);
    touch(world, touched, one.personIndex, one.statuses.length, null);
  }
  rows.conversations.push(...touched.values());
  return partOf(rows);
}

/** Our own messages as sending leaves them, before their ticks arrive. */
export function sentPart(world: PlainWorld, outgoing: readonly Outgoing[], ids: readonly string[]): PlainPart {
  const rows = noRows();
  outgoing.forEach(({ person, personIndex, wamid, statuses }, at) => {
    const { workspaceId, numberId } = workspaceOf(world, person.workspace);
    const { identityId, conversationId } = world.known.get(personIndex) as KnownPerson;
    const id = ids[at] as string;
    const sentAt = statuses[0]?.occurredAt as Date;
    world.messageIds.set(wamid, id);
    const what = ["out", "campaign", "template", "Your order is on its way.", sentAt, sentAt, false, 5, 6, 1];
    rows.messages.push([workspaceId, id, numberId, wamid, conversationId, identityId, ...what]);
  });
  return partOf(rows);
}

function addText(world: PlainWorld, rows: PlainBatch, text: Incoming, id: string): void {
  const { workspaceId, numberId, installId } = workspaceOf(world, text.person.workspace);
  if (text.isNewPerson) addPerson(world, rows, text);
  const { identityId, conversationId } = world.known.get(text.personIndex) as KnownPerson;
  const what = ["in", "customer", "text", text.text, text.sentAt, text.sentAt, true, 4, 5, 1];
  rows.messages.push([workspaceId, id, numberId, text.wamid, conversationId, identityId, ...what]);
  rows.crmWrites.push([workspaceId, installId, id]);
}

/** Somebody seen with BSUID and phone is one identity, and the phone an attribute of it. */
function addPerson(world: PlainWorld, rows: PlainBatch, { person, personIndex, sentAt }: Incoming): void {
  const { workspaceId, numberId, portfolioKey } = workspaceOf(world, person.workspace);
  const [identityId, conversationId] = [newId(), newId()];
  const day = new Date(Math.floor(sentAt.getTime() / DAY_MS) * DAY_MS);
  rows.identities.push([workspaceId, identityId, portfolioKey, "bsuid", person.bsuid, identityId]);
  rows.attributes.push([workspaceId, identityId, "phone", person.phone, sentAt, day]);
  rows.attributes.push([workspaceId, identityId, "name", person.name, sentAt, day]);
  rows.newConversations.push([workspaceId, conversationId, numberId, identityId, 1, sentAt, sentAt]);
  world.known.set(personIndex, { identityId, conversationId });
}

function addTicks(world: PlainWorld, rows: PlainBatch, { person, wamid, statuses }: Outgoing): void {
  const { workspaceId, numberId } = workspaceOf(world, person.workspace);
  const id = world.messageIds.get(wamid);
  for (const { status, occurredAt } of statuses) {
    const price = status === "read" ? [null, null, null, null] : ["regular", "utility", "PMP", true];
    rows.statuses.push([workspaceId, id, status, occurredAt, ...price]);
    if (status === "delivered")
      rows.charges.push([workspaceId, id, numberId, RANK.delivered, "regular", "utility", occurredAt]);
  }
  rows.ticked.push([workspaceId, id, RANK.read, 1 + statuses.length]);
}

/** A conversation is written once, however much a part changed in it. */
function touch(
  world: PlainWorld,
  touched: Map<string, Row>,
  personIndex: number,
  changes: number,
  at: Date | null,
): void {
  const { workspaceId } = workspaceOf(world, personIndex % world.workspaces.length);
  const { conversationId } = world.known.get(personIndex) as KnownPerson;
  const [, , before = 0, newest = null] = (touched.get(conversationId) ?? []) as [string, string, number, Date | null];
  touched.set(conversationId, [
    workspaceId,
    conversationId,
    before + changes,
    newest && at && newest > at ? newest : (at ?? newest),
  ]);
}

function workspaceOf({ workspaces }: PlainWorld, at: number): BenchWorkspace {
  return workspaces[at] as BenchWorkspace;
}

function partOf(rows: PlainBatch): PlainPart {
  const ids = Object.values(rows).flatMap((table: Row[]) => table.map(([workspaceId]) => workspaceId as string));
  return { rows, workspaceIds: [...new Set(ids)] };
}

function noRows(): PlainBatch {
  return {
    ...{ identities: [], attributes: [], newConversations: [], conversations: [] },
    ...{ messages: [], ticked: [], statuses: [], charges: [], crmWrites: [] },
  };
}
