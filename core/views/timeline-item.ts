import type { Item } from "#core/api/contract/timeline.ts";
import { failureWords } from "#core/domain/failure-words.ts";
import { failedRank, shownStatus } from "#core/domain/message-status.ts";
import type { SendState } from "#core/domain/send-state.ts";
import type { CrmRefusal } from "#core/store/crm-messages.ts";
import type { Reaction, TimelineMessage } from "#core/store/timeline.ts";
import type { TimelineSend } from "#core/store/timeline-sends.ts";
import { isWordKey, type Language, type WordKey, words } from "#core/words/words.ts";

/** What belongs to a message but lies in other tables. */
export interface Surroundings {
  reactions: readonly Reaction[];
  quoted?: TimelineMessage;
  /** The record's CRM would not log it. */
  unlogged?: CrmRefusal;
}

export function messageItem(language: Language, message: TimelineMessage, around: Surroundings): Item {
  const text = textOf(message);
  const status = message.direction === "out" ? shownStatus(message.statusRank) : undefined;
  const hasFailed = message.direction === "out" && message.statusRank === failedRank;
  return {
    id: messageItemId(message.id),
    conversationId: message.conversationId,
    direction: message.direction,
    author: authorOf(language, message),
    type: message.type ?? "unknown",
    label: labelOf(language, message),
    ...(text !== undefined && { text }),
    sentAt: timeOf(message.sentAt),
    ...(status && { tick: { name: status, label: words(language, `status.${status}`) } }),
    ...(hasFailed && { refusal: refusalWords(language, failureWords(message.failureCode ?? -1)) }),
    ...(around.unlogged && { unlogged: unloggedWords(language, around.unlogged) }),
    isEdited: message.isEdited && !message.isRevoked,
    isRevoked: message.isRevoked,
    reactions: message.isRevoked
      ? []
      : around.reactions.map(({ reactor, emoji }) => ({ by: reactor === "business" ? "business" : "customer", emoji })),
    ...(around.quoted && { quoted: quoteOf(language, around.quoted) }),
  };
}

export function sendItem(language: Language, send: TimelineSend): Item {
  const name = tickOf[send.state];
  return {
    id: sendItemId(send.id),
    conversationId: send.conversationId,
    direction: "out",
    author: authorOf(language, send),
    type: send.type,
    label: labelOf(language, { type: send.type, isRevoked: false }),
    ...(send.body !== undefined && { text: send.body }),
    sentAt: send.createdAt.toISOString(),
    tick: { name, label: words(language, `status.${name}`) },
    ...(send.refusal && { refusal: refusalWords(language, send.refusal.code) }),
    isEdited: false,
    isRevoked: false,
    reactions: [],
  };
}

/** A claim is our own matter: to a person the message is still waiting. */
const tickOf = {
  queued: "waiting",
  claimed: "waiting",
  held: "held",
  refused: "refused",
  cancelled: "cancelled",
  unconfirmed: "unconfirmed",
  // Shown only until its message is joined, which is the same transaction.
  confirmed: "accepted",
} as const satisfies Record<SendState, string>;

export function refusalWords(language: Language, code: string): { code: string; title: string; action: string } {
  const key = `refusal.${code}.title`;
  const known = isWordKey(key) ? code : "other";
  return {
    code,
    title: words(language, `refusal.${known}.title` as WordKey),
    action: words(language, `refusal.${known}.action` as WordKey),
  };
}

function unloggedWords(language: Language, { crm, code, detail = "" }: CrmRefusal): NonNullable<Item["unlogged"]> {
  const known = isWordKey(`${code}.title`) ? code : "crm.other";
  const name = `crm.name.${crm}`;
  const params = { crm: isWordKey(name) ? words(language, name) : crm, detail };
  const reason = words(language, `${known}.title` as WordKey, params);
  return {
    code,
    title: words(language, "crm.unlogged", { ...params, reason }),
    action: words(language, `${known}.action` as WordKey, params),
  };
}

export function messageItemId(id: string): string {
  return `m${id}`;
}

export function sendItemId(id: string): string {
  return `s${id}`;
}

/** Phones may say any time; a year of five digits would be written as no screen reads it. */
function timeOf(time: Date): string {
  return (time < LAST_TIME ? time : LAST_TIME).toISOString();
}

const LAST_TIME = new Date("9999-12-31T23:59:59.999Z");

function textOf({ isRevoked, isEdited, editedBody, body }: TimelineMessage): string | undefined {
  if (isRevoked) return undefined;
  return isEdited ? (editedBody ?? body) : body;
}

function authorOf(language: Language, { origin, originId }: { origin: string; originId?: string }): Item["author"] {
  const key = `author.${origin}`;
  return {
    kind: origin,
    label: isWordKey(key) ? words(language, key) : origin,
    ...(origin === "agent" && originId !== undefined && { agent: originId }),
  };
}

function labelOf(language: Language, { type, isRevoked }: { type?: string; isRevoked: boolean }): string {
  if (isRevoked) return words(language, "message.revoked");
  const key = `type.${type}`;
  return words(language, isWordKey(key) ? key : "type.unknown");
}

function quoteOf(language: Language, quoted: TimelineMessage): NonNullable<Item["quoted"]> {
  const text = textOf(quoted);
  return { id: messageItemId(quoted.id), label: labelOf(language, quoted), ...(text !== undefined && { text }) };
}
