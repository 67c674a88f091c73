import type { Direction, Fact, MessageFact, MessageSource, Naming, Origin } from "#core/domain/fact.ts";
import { readContent } from "./message-content.ts";
import { naming, namingWith } from "./naming.ts";
import { given, id, list, moment, object, text, type Wire } from "./wire.ts";

/** Which way a message went and who is at the other end, as the webhook that carried it lets us know. */
export interface Envelope {
  source: MessageSource;
  direction: Direction;
  origin: Origin;
  person: Naming;
  receivedAt: Date;
  shownStatus?: string;
}

/** `value.messages[]` of the field `messages`: what customers wrote just now. */
export function readInbound(value: Wire, message: Wire, receivedAt: Date): Fact[] {
  const person = namingWith(
    value["contacts"],
    [message["from_user_id"], message["from"]],
    [message["from_parent_user_id"]],
  );
  const facts = readMessage(message, { source: "live", direction: "in", origin: "customer", person, receivedAt });
  return [...facts, ...readSystem(message, receivedAt), ...readAnsweredContact(message, person, receivedAt)];
}

/** One message object of any webhook becomes a message, or a fact about another message. */
export function readMessage(message: Wire, envelope: Envelope): Fact[] {
  const wamid = id(message["id"]);
  const type = id(message["type"]) ?? "unknown";
  if (wamid === undefined)
    return [{ kind: "kept", field: "messages", reason: "message without an id", payload: message }];
  if (type === "reaction") return readReaction(wamid, message, envelope);
  if (type === "edit") return readEdit(wamid, message, envelope);
  if (type === "revoke") return readRevoke(wamid, message, envelope);
  const { source, direction, origin, receivedAt, shownStatus } = envelope;
  const opensWindow = source === "live" && type !== "system" && type !== "request_welcome" && !message["group_id"];
  const parties = partiesOf(message, envelope);
  const sentAt = moment(message["timestamp"], receivedAt);
  return [
    {
      kind: "message",
      source,
      wamid,
      direction,
      origin,
      ...parties,
      ...readContent(message),
      sentAt,
      opensWindow,
      ...given({ shownStatus }),
    },
  ];
}

function partiesOf(message: Wire, { person }: Envelope): { person: Naming; author?: Naming } {
  const group = id(message["group_id"]);
  if (group !== undefined) return { person: { group }, author: person };
  const changed = object(message["system"]);
  const isNameless = person.bsuid === undefined && person.phone === undefined;
  // A username user's change of BSUID names nobody but in system.user_id.
  return { person: isNameless ? { ...person, ...naming({ ids: [changed["user_id"]] }) } : person };
}

function readReaction(wamid: string, message: Wire, envelope: Envelope): Fact[] {
  const reaction = object(message["reaction"]);
  const targetWamid = id(reaction["message_id"]);
  if (targetWamid === undefined) return [kept(message, "reaction without a target")];
  const reactedAt = moment(message["timestamp"], envelope.receivedAt);
  const emoji = text(reaction["emoji"]);
  return [
    {
      kind: "reaction",
      wamid,
      targetWamid,
      direction: envelope.direction,
      ...partiesOf(message, envelope),
      reactedAt,
      ...given({ emoji }),
    },
  ];
}

function readEdit(wamid: string, message: Wire, envelope: Envelope): Fact[] {
  const edit = object(message["edit"]);
  const originalWamid = id(edit["original_message_id"]);
  if (originalWamid === undefined) return [kept(message, "edit without an original")];
  const { direction } = envelope;
  const { person } = partiesOf(message, envelope);
  const { type, body, content } = readContent(object(edit["message"]));
  const editedAt = moment(message["timestamp"], envelope.receivedAt);
  return [
    hint(originalWamid, editedAt, person, envelope),
    { kind: "edit", wamid, originalWamid, direction, person, editedAt, ...given({ type, body, content }) },
  ];
}

function readRevoke(wamid: string, message: Wire, envelope: Envelope): Fact[] {
  const originalWamid = id(object(message["revoke"])["original_message_id"]);
  if (originalWamid === undefined) return [kept(message, "revoke without an original")];
  const { direction } = envelope;
  const { person } = partiesOf(message, envelope);
  const revokedAt = moment(message["timestamp"], envelope.receivedAt);
  return [
    hint(originalWamid, revokedAt, person, envelope),
    { kind: "revoke", wamid, originalWamid, direction, person, revokedAt },
  ];
}

/** An edit or a revoke of a message we never saw still tells whose it was, so that it has a place to be shown. */
function hint(wamid: string, sentAt: Date, person: Naming, { direction, origin }: Envelope): MessageFact {
  return {
    kind: "message",
    source: "hint",
    wamid,
    direction,
    origin,
    person,
    type: "unknown",
    sentAt,
    opensWindow: false,
  };
}

function kept(message: Wire, reason: string): Fact {
  return { kind: "kept", field: "messages", reason, payload: message };
}

// The name in front is the customer's own words; only the end of the sentence is Meta's.
const changedAtTheEnd = /changed from (\S+) to (\S+?)\.?$/;

/** System messages that say who somebody is now (whatsapp.md 3.3). */
function readSystem(message: Wire, receivedAt: Date): Fact[] {
  const wamid = id(message["id"]);
  if (text(message["type"]) !== "system" || wamid === undefined) return [];
  const system = object(message["system"]);
  const at = moment(message["timestamp"], receivedAt);
  const now = naming({ ids: [system["user_id"], system["wa_id"], system["new_wa_id"]] });
  const [, was, becomes] = changedAtTheEnd.exec(text(system["body"]) ?? "") ?? [];
  if (now.bsuid !== undefined && was !== undefined && becomes === now.bsuid && naming({ ids: [was] }).bsuid) {
    const person = { bsuid: now.bsuid };
    return [
      { kind: "new-bsuid", previous: was, current: now.bsuid, reason: "changed-user-id", evidence: wamid, person, at },
    ];
  }
  const previous = naming({ ids: [message["from_user_id"], message["from"]] });
  if (now.phone === undefined || now.phone === previous.phone) return [];
  if (previous.phone === undefined && previous.bsuid === undefined) return [];
  return [{ kind: "new-phone", wamid, previous, phone: now.phone, at }];
}

/** The answer to a request for contact info shows the phone of a BSUID; a card shared otherwise is somebody else's. */
function readAnsweredContact(message: Wire, person: Naming, receivedAt: Date): Fact[] {
  const answered = list(message["contacts"])
    .map(object)
    .find((card) => card["origin"] === "contact_request");
  if (!answered || person.bsuid === undefined || person.phone !== undefined) return [];
  const phone = object(list(answered["phones"])[0]);
  const shown = naming({ ids: [phone["wa_id"], text(phone["phone"])?.replace(/\D/g, "")] });
  if (shown.phone === undefined) return [];
  return [
    { kind: "naming", person: { ...person, phone: shown.phone }, seenAt: moment(message["timestamp"], receivedAt) },
  ];
}
