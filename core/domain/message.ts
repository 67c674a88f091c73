import type { Direction, MessageContent, MessageFact, MessageSource, Origin } from "./fact.ts";
import { statusOfHistory, statusRank } from "./message-status.ts";

/**
 * What the store knows of one message. Joining facts into it is a semilattice: the order, the repetition and the
 * batching of facts do not matter, because every part is a maximum of its own.
 */
export interface MessageState {
  direction?: Direction;
  origin?: Origin;
  originId?: string;
  identityId?: string;
  conversationId?: string;
  type?: string;
  body?: string;
  content?: MessageContent;
  quotedWamid?: string;
  sentAt?: Date;
  receivedAt: Date;
  /** A live message of the customer: the service window counts from it (I7). */
  opensWindow: boolean;
  baseRank: number;
  contentRank: number;
  statusRank: number;
  failureCode?: number;
  edit?: { wamid: string; at: Date; body?: string; content?: MessageContent };
  revokedAt?: Date;
}

/** How good a source is for who, where and when. The thread of a history knows better than its media follow-up. */
const baseRanks: Readonly<Record<MessageSource, number>> = {
  hint: 1,
  "history-media": 2,
  history: 3,
  live: 4,
  echo: 4,
  send: 5,
};

/** A skeleton: something was said about a message that we have not seen. */
export function skeleton(receivedAt: Date): MessageState {
  return { receivedAt, opensWindow: false, baseRank: 0, contentRank: 0, statusRank: 0 };
}

export function baseRankOf(fact: MessageFact): number {
  return baseRanks[fact.source];
}

const fillingRank = 3;

/** How good a source is for what was said. A placeholder is less than the media that fills it. */
export function contentRankOf(fact: MessageFact): number {
  if (fact.source === "hint") return 0;
  if (fact.type === "media_placeholder") return 1;
  if (fact.type === "unsupported") return 2;
  if (fact.source === "history-media") return fillingRank;
  if (fact.source === "history") return 4;
  return fact.source === "send" ? 6 : 5;
}

export interface Place {
  identityId: string;
  conversationId: string;
}

/** True when this fact is a better source of who, where and when than what is known. */
export function winsBase({ baseRank, sentAt }: Pick<MessageState, "baseRank" | "sentAt">, fact: MessageFact): boolean {
  const rank = baseRankOf(fact);
  // Two hints (an edit and a revoke of an unknown message) are equally good: the earlier one is nearer the truth.
  return rank > baseRank || (rank === baseRank && sentAt !== undefined && fact.sentAt < sentAt);
}

/** What a fact changed in a message. */
export interface Joined {
  base: boolean;
  content: boolean;
  window: boolean;
  status: boolean;
}

/**
 * Joins one fact; returns what it changed. `place` is where the message belongs by this fact; it may be left
 * out for a fact whose base another one beats.
 */
export function joinMessage(state: MessageState, fact: MessageFact, place: Place | undefined): Joined {
  const base = place !== undefined && joinBase(state, fact, place);
  const content = joinContent(state, fact);
  const window = fact.opensWindow && !state.opensWindow;
  if (window) state.opensWindow = true;
  const shown = fact.shownStatus === undefined ? undefined : statusOfHistory(fact.shownStatus);
  const status = shown !== undefined && joinStatus(state, shown);
  return { base, content, window, status };
}

function joinBase(state: MessageState, fact: MessageFact, place: Place): boolean {
  if (!winsBase(state, fact)) return false;
  state.baseRank = baseRankOf(fact);
  state.direction = fact.direction;
  state.origin = fact.origin;
  assign(state, "originId", fact.originId);
  state.identityId = place.identityId;
  state.conversationId = place.conversationId;
  state.sentAt = fact.sentAt;
  return true;
}

function joinContent(state: MessageState, fact: MessageFact): boolean {
  const rank = contentRankOf(fact);
  if (rank <= state.contentRank) return false;
  state.contentRank = rank;
  state.type = fact.type;
  assign(state, "body", fact.body);
  assign(state, "content", fact.content);
  assign(state, "quotedWamid", fact.quotedWamid);
  if (state.revokedAt) emptyFilling(state);
  return true;
}

/** Media that fills a placeholder is not taken once the message was revoked (whatsapp.md 1.6), whichever came first. */
function emptyFilling(state: MessageState): boolean {
  if (state.contentRank !== fillingRank) return false;
  state.type = "media_placeholder";
  assign(state, "body", undefined);
  assign(state, "content", undefined);
  return true;
}

export function joinStatus(state: MessageState, status: string, failureCode?: number): boolean {
  const rank = statusRank(status);
  const isWorse = rank < state.statusRank || rank === 0;
  // Of two reasons for one failure the smaller code is kept: which came first must not decide.
  const namesFailure =
    status === "failed" && failureCode !== undefined && failureCode < (state.failureCode ?? Number.POSITIVE_INFINITY);
  if (namesFailure) state.failureCode = failureCode;
  if (isWorse || rank === state.statusRank) return namesFailure;
  state.statusRank = rank;
  return true;
}

/** The newest edit is shown; equal times are told apart by the edit's own id, so that order cannot decide. */
export function joinEdit(state: MessageState, edit: NonNullable<MessageState["edit"]>): boolean {
  const known = state.edit;
  if (known && (edit.at < known.at || (edit.at.getTime() === known.at.getTime() && edit.wamid <= known.wamid)))
    return false;
  state.edit = edit;
  return true;
}

/** Revoked once is revoked; the earliest time is the one that is kept. Returns what changed. */
export function joinRevoke(state: MessageState, at: Date): { isChanged: boolean; hasLostContent: boolean } {
  const isChanged = !state.revokedAt || at < state.revokedAt;
  const hasLostContent = !state.revokedAt && emptyFilling(state);
  if (isChanged) state.revokedAt = at;
  return { isChanged, hasLostContent };
}

function assign<K extends "originId" | "body" | "content" | "quotedWamid">(
  state: MessageState,
  key: K,
  value: MessageState[K],
): void {
  if (value === undefined) delete state[key];
  else state[key] = value;
}
