import type { Fact, MessageFact } from "#core/domain/fact.ts";
import {
  baseRankOf,
  joinEdit,
  joinMessage,
  joinRevoke,
  joinStatus,
  type Place,
  winsBase,
} from "#core/domain/message.ts";
import { insertReaction } from "#core/store/message-marks.ts";
import { loadMessages, type MessageKey, type StoredMessage } from "#core/store/messages.ts";
import type { Tx } from "#core/store/transaction.ts";
import type { NumberEntry } from "./entry.ts";

/** A message on its way back to the store, with what was joined into it. */
export interface TouchedMessage {
  message: StoredMessage;
  isChanged: boolean;
  hasNewBase: boolean;
  hasNewContent: boolean;
  hasNewEdit: boolean;
  /** Heard of live, from the phone or from our own sending, now for the first time: a CRM may want to log it. */
  isNews: boolean;
  /** The conversation it was in before, when it moved. */
  leftConversation: string | undefined;
  /** A better source gave it another time: what its conversations say of their newest message may be wrong now. */
  isRetimed: boolean;
}

/** Everything that is said about messages: the key is the message meant, not the event's own id. */
export function messageKey({ workspaceId, numberId, fact }: NumberEntry): MessageKey | undefined {
  const wamid = wamidMeant(fact);
  return wamid === undefined ? undefined : { workspaceId, numberId, wamid };
}

function wamidMeant(fact: Fact): string | undefined {
  if (fact.kind === "message" || fact.kind === "status") return fact.wamid;
  if (fact.kind === "edit" || fact.kind === "revoke") return fact.originalWamid;
  return fact.kind === "reaction" ? fact.targetWamid : undefined;
}

/**
 * Joins facts into the messages they mean, in memory; a message nobody has seen yet becomes a skeleton, so that a
 * status, an edit or a reaction that comes first has a place (architecture 3.3). Reactions are written at once: only the
 * store knows which are new. `placeOf` knows the places of the facts in `baseWinners`, and who
 * reacted.
 */
export async function joinIntoMessages(
  tx: Tx,
  touched: Map<string, TouchedMessage>,
  entries: readonly NumberEntry[],
  placeOf: (entry: NumberEntry) => Place | undefined,
): Promise<void> {
  for (const entry of entries) {
    const one = touchedBy(touched, entry);
    if (!one) continue;
    if (entry.receivedAt < one.message.state.receivedAt) one.message.state.receivedAt = entry.receivedAt;
    const isChanged = await joinEntry(tx, one, entry, placeOf(entry));
    one.isChanged ||= isChanged;
  }
}

/** Of the facts about each message the one that will decide where it belongs, if any does: the others need no place. */
export function baseWinners(
  touched: Map<string, TouchedMessage>,
  entries: readonly NumberEntry<MessageFact>[],
): NumberEntry<MessageFact>[] {
  const winners = new Map<TouchedMessage, NumberEntry<MessageFact>>();
  for (const entry of entries) {
    const one = touchedBy(touched, entry) as TouchedMessage;
    const best = winners.get(one)?.fact;
    const known = best ? { baseRank: baseRankOf(best), sentAt: best.sentAt } : one.message.state;
    if (winsBase(known, entry.fact)) winners.set(one, entry);
  }
  return [...winners.values()];
}

export function touchedBy(touched: Map<string, TouchedMessage>, entry: NumberEntry): TouchedMessage | undefined {
  const key = messageKey(entry);
  return key && touched.get(textOf(key));
}

export async function loadTouched(tx: Tx, entries: readonly NumberEntry[]): Promise<Map<string, TouchedMessage>> {
  const keys = new Map<string, MessageKey>();
  for (const entry of entries) {
    const key = messageKey(entry);
    if (key) keys.set(textOf(key), key);
  }
  if (keys.size === 0) return new Map();
  const stored = await loadMessages(tx, [...keys.values()]);
  return new Map(stored.map((message) => [textOf(message), untouched(message)]));
}

function untouched(message: StoredMessage): TouchedMessage {
  return {
    message,
    isChanged: message.isNew,
    hasNewBase: false,
    hasNewContent: false,
    hasNewEdit: false,
    isNews: false,
    leftConversation: undefined,
    isRetimed: false,
  };
}

async function joinEntry(
  tx: Tx,
  one: TouchedMessage,
  { workspaceId, fact }: NumberEntry,
  place: Place | undefined,
): Promise<boolean> {
  const { state } = one.message;
  if (fact.kind === "message") return joinFact(one, fact, place);
  if (fact.kind === "status") return joinStatus(state, fact.status, fact.errors?.[0]?.code);
  if (fact.kind === "revoke") {
    const { isChanged, hasLostContent } = joinRevoke(state, fact.revokedAt);
    one.hasNewContent ||= hasLostContent;
    return isChanged;
  }
  if (fact.kind === "edit") {
    const { wamid, editedAt: at, body, content } = fact;
    const isNew = joinEdit(state, { wamid, at, ...(body !== undefined && { body }), ...(content && { content }) });
    one.hasNewEdit ||= isNew;
    return isNew;
  }
  if (fact.kind !== "reaction") return false;
  const reactor = fact.direction === "out" ? "business" : (place?.identityId ?? "unknown");
  return insertReaction(tx, workspaceId, one.message.id, reactor, fact);
}

const quiet = new Set(["system", "request_welcome"]);

function joinFact(one: TouchedMessage, fact: MessageFact, place: Place | undefined): boolean {
  const { state } = one.message;
  const { baseRank, conversationId, sentAt } = state;
  const joined = joinMessage(state, fact, place);
  const isLive = fact.source === "live" || fact.source === "echo" || fact.source === "send";
  // History and imports start nothing (I6): only what is heard live is news, and only once.
  if (isLive && state.baseRank > baseRank && baseRank < 4 && !quiet.has(fact.type)) one.isNews = true;
  one.hasNewBase ||= joined.base || joined.window;
  one.hasNewContent ||= joined.content;
  if (!one.message.isNew && sentAt && sentAt !== state.sentAt) one.isRetimed = true;
  if (conversationId && state.conversationId !== conversationId) one.leftConversation = conversationId;
  return joined.base || joined.content || joined.window || joined.status;
}

function textOf({ workspaceId, numberId, wamid }: MessageKey): string {
  return `${workspaceId} ${numberId} ${wamid}`;
}
