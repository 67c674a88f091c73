import type { Fact } from "#core/domain/fact.ts";
import { type Envelope, readMessage } from "./inbound.ts";
import { naming, namingWith } from "./naming.ts";
import { given, integer, list, moment, object, text, type Wire } from "./wire.ts";

/** `value.message_echoes[]`: what the owner sent from the phone (whatsapp.md 1.8). */
export function readEcho(value: Wire, echo: Wire, receivedAt: Date): Fact[] {
  return readMessage(echo, {
    source: "echo",
    direction: "out",
    origin: "phone",
    person: recipientOf(value, echo),
    receivedAt,
  });
}

/** The media that fills a placeholder of the history comes as `messages[]` or `message_echoes[]` under that field. */
export function readHistoryMedia(value: Wire, message: Wire, isOurs: boolean, receivedAt: Date): Fact[] {
  const person = isOurs ? recipientOf(value, message) : senderOf(value, message);
  const direction = isOurs ? "out" : "in";
  return readMessage(message, { source: "history-media", direction, origin: "import", person, receivedAt });
}

/** One element of `value.history[]`: a chunk of threads, or the owner's refusal to share (whatsapp.md 1.6). */
export function readHistory(value: Wire, chunk: Wire, receivedAt: Date): Fact[] {
  const metadata = object(chunk["metadata"]);
  const facts: Fact[] = [];
  let messages = 0;
  const ourPhone = text(object(value["metadata"])["display_phone_number"])?.replace(/\D/g, "");
  for (const thread of list(chunk["threads"]).map(object)) {
    const context = object(thread["context"]);
    const person = naming({
      ids: [context["user_id"], context["wa_id"], thread["id"]],
      parents: [context["parent_user_id"]],
      username: context["username"],
    });
    for (const message of list(thread["messages"]).map(object)) {
      messages += 1;
      facts.push(...readMessage(message, historyEnvelope(message, person, ourPhone, receivedAt)));
    }
  }
  const phase = integer(metadata["phase"]);
  const chunkOrder = integer(metadata["chunk_order"]);
  const progress = integer(metadata["progress"]);
  if (phase !== undefined && chunkOrder !== undefined)
    facts.push({
      kind: "history-chunk",
      phase: small(phase),
      chunkOrder: chunkOrder,
      messages,
      ...given({ progress: progress === undefined ? undefined : small(progress) }),
    });
  return facts;
}

/** Phases are 0 to 2 and progress 0 to 100; whatever else comes must not cost the messages beside it. */
function small(value: number): number {
  return Math.max(-1, Math.min(999, value));
}

/** Only what the business sent has a `to`; the thread, not the sender, says who is at the other end. */
function historyEnvelope(
  message: Wire,
  person: Envelope["person"],
  ourPhone: string | undefined,
  receivedAt: Date,
): Envelope {
  const isOurs =
    text(message["to"]) !== undefined ||
    text(message["to_user_id"]) !== undefined ||
    (ourPhone !== undefined && text(message["from"]) === ourPhone);
  const hasPerson = person.bsuid !== undefined || person.phone !== undefined;
  const named = hasPerson
    ? person
    : naming({ ids: isOurs ? [message["to_user_id"], message["to"]] : [message["from_user_id"], message["from"]] });
  const shownStatus = isOurs ? text(object(message["history_context"])["status"]) : undefined;
  return {
    source: "history",
    direction: isOurs ? "out" : "in",
    origin: "import",
    person: named,
    receivedAt,
    ...given({ shownStatus }),
  };
}

/** `value.state_sync[]`: the owner's phone book. `add` means added or edited (whatsapp.md 1.7). */
export function readStateSync(item: Wire, receivedAt: Date): Fact[] {
  const contact = object(item["contact"]);
  const named = naming({ ids: [contact["user_id"], contact["phone_number"]], username: contact["username"] });
  if (text(item["type"]) !== "contact" || (named.phone === undefined && named.bsuid === undefined))
    return [{ kind: "kept", field: "smb_app_state_sync", reason: "state sync of no contact", payload: item }];
  return [
    {
      kind: "address-book",
      isRemoved: text(item["action"]) === "remove",
      changedAt: moment(object(item["metadata"])["timestamp"], receivedAt),
      ...given({
        phone: named.phone,
        bsuid: named.bsuid,
        username: named.username,
        fullName: text(contact["full_name"]),
        firstName: text(contact["first_name"]),
      }),
    },
  ];
}

function recipientOf(value: Wire, message: Wire): Envelope["person"] {
  return namingWith(value["contacts"], [message["to_user_id"], message["to"]], [message["to_parent_user_id"]]);
}

function senderOf(value: Wire, message: Wire): Envelope["person"] {
  return namingWith(value["contacts"], [message["from_user_id"], message["from"]], [message["from_parent_user_id"]]);
}
