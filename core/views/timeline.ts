import type pg from "pg";
import type { Item, SearchPage, TimelinePage } from "#core/api/contract/timeline.ts";
import type { Clock } from "#core/kit/clock.ts";
import { insertAuditEntry } from "#core/store/audit.ts";
import { selectCrmRefusals } from "#core/store/crm-messages.ts";
import type { RecordConversation, RecordKey } from "#core/store/record-conversations.ts";
import {
  type Position,
  searchMessages,
  selectMessagesBefore,
  selectQuoted,
  selectReactions,
  type TimelineMessage,
} from "#core/store/timeline.ts";
import { selectSendsBefore, type TimelineSend } from "#core/store/timeline-sends.ts";
import { asWorkspace, type Tx } from "#core/store/transaction.ts";
import type { Language } from "#core/words/words.ts";
import { beforeCursor, parseBefore, parseSince, sinceCursor } from "./cursors.ts";
import { conversationsOf, conversationView } from "./record.ts";
import { selectChanges } from "./timeline-changes.ts";
import { messageItem, sendItem } from "./timeline-item.ts";

export interface TimelineReader {
  app: pg.Pool;
  clock: Clock;
}

/** Who reads which record, and in what language. */
export interface TimelineAsk {
  workspaceId: string;
  record: RecordKey;
  actor: string;
  language: Language;
  requestId: string;
  limit: number;
}

/** A page of everything a record shows, newest first, merged over all its conversations; older ones by `before`. */
export function timelinePage(reader: TimelineReader, ask: TimelineAsk, before?: string): Promise<TimelinePage> {
  const position = before === undefined ? undefined : parseBefore(before);
  return read(reader, ask, async (tx, conversations) => {
    const { items, older } = await pageOf(
      tx,
      ask,
      conversations.map(({ id }) => id),
      position,
    );
    const since = sinceCursor(new Map(conversations.map(({ id, version }) => [id, version])));
    const views = conversations.map((conversation) => conversationView(conversation, reader.clock.now()));
    return { conversations: views, items, replaced: [], before: older, since, hasMore: false };
  });
}

/**
 * What changed after an earlier page, complete up to the cursor it returns (I15). When a conversation joined the record
 * meanwhile, the newest page of all comes with it, and its `before`: the older part of the new one lies behind it.
 */
export function timelineSince(reader: TimelineReader, ask: TimelineAsk, since: string): Promise<TimelinePage> {
  const known = parseSince(since);
  return read(reader, ask, async (tx, conversations) => {
    const changes = await selectChanges(tx, ask.workspaceId, conversations, known, ask.limit);
    const view = {
      conversations: conversations.map((conversation) => conversationView(conversation, reader.clock.now())),
      items: await items(tx, ask, changes.messages, changes.sends),
      replaced: changes.replaced,
      since: sinceCursor(changes.versions),
      hasMore: changes.hasMore,
    };
    if (changes.hasMore || !changes.hasJoined) return view;
    const ids = conversations.map(({ id }) => id);
    const page = await pageOf(tx, ask, ids, undefined);
    const paged = new Set(page.items.map(({ id }) => id));
    return { ...view, items: [...page.items, ...view.items.filter(({ id }) => !paged.has(id))], before: page.older };
  });
}

export function timelineSearch(reader: TimelineReader, ask: TimelineAsk, search: string): Promise<SearchPage> {
  return read(reader, ask, async (tx, conversations) => {
    const ids = conversations.map(({ id }) => id);
    const found = await searchMessages(tx, ask.workspaceId, ids, search, ask.limit + 1);
    return { items: await items(tx, ask, found.slice(0, ask.limit), []), hasMore: found.length > ask.limit };
  });
}

/** One snapshot for all questions of a page; whoever was shown something is in the audit. */
async function read<Page extends { items: readonly Item[]; before?: unknown }>(
  { app, clock }: TimelineReader,
  { workspaceId, record, actor, requestId }: TimelineAsk,
  work: (tx: Tx, conversations: RecordConversation[]) => Promise<Page>,
): Promise<Page> {
  return asWorkspace(app, workspaceId, async (tx) => {
    await tx.query("set transaction isolation level repeatable read");
    const page = await work(tx, await conversationsOf(tx, workspaceId, record));
    // A panel asks every few seconds; an answer without any message shows nobody anything.
    if (page.items.length > 0 || "before" in page) {
      const subject = `${record.crm}/${record.type}/${record.id}`;
      const detail = { items: page.items.length };
      await insertAuditEntry(tx, workspaceId, {
        actor,
        action: "timeline.read",
        subject,
        detail,
        requestId,
        at: clock.now(),
      });
    }
    return page;
  });
}

async function pageOf(
  tx: Tx,
  ask: TimelineAsk,
  ids: readonly string[],
  before: Position | undefined,
): Promise<{ items: Item[]; older: string | null }> {
  const limit = ask.limit + 1;
  const messages = await selectMessagesBefore(tx, ask.workspaceId, ids, before, limit);
  const sends = await selectSendsBefore(tx, ask.workspaceId, ids, before, limit);
  const merged = [...messages, ...sends].sort(newestFirst).slice(0, limit);
  const shown = merged.slice(0, ask.limit);
  const last = shown.at(-1);
  const isMessage = (it: TimelineMessage | TimelineSend): it is TimelineMessage => "sentAt" in it;
  return {
    items: await items(tx, ask, shown.filter(isMessage), shown.filter((it) => !isMessage(it)) as TimelineSend[]),
    older: merged.length > ask.limit && last ? beforeCursor(positionOf(last)) : null,
  };
}

/** Turns rows into items, with their reactions and quotes, newest first. */
async function items(
  tx: Tx,
  { workspaceId, language, record }: TimelineAsk,
  messages: readonly TimelineMessage[],
  sends: readonly TimelineSend[],
): Promise<Item[]> {
  const ids = [...new Set(messages.map(({ conversationId }) => conversationId))];
  const messageIds = messages.map(({ id }) => id);
  const reactions = Map.groupBy(
    messages.length === 0 ? [] : await selectReactions(tx, workspaceId, messageIds),
    ({ messageId }) => messageId,
  );
  const wamids = messages.flatMap(({ quotedWamid }) => quotedWamid ?? []);
  const quotes = await selectQuoted(tx, workspaceId, ids, wamids);
  const refused = await selectCrmRefusals(tx, { workspaceId, ...record }, messageIds);
  const refusals = new Map(refused.map((refusal) => [refusal.messageId, refusal]));
  return [...messages, ...sends].sort(newestFirst).map((row) => {
    if (!("sentAt" in row)) return sendItem(language, row);
    const quoted = quotes.get(row.quotedWamid ?? "");
    const unlogged = refusals.get(row.id);
    return messageItem(language, row, {
      reactions: reactions.get(row.id) ?? [],
      ...(quoted && { quoted }),
      ...(unlogged && { unlogged }),
    });
  });
}

function positionOf(row: TimelineMessage | TimelineSend): Position {
  return { at: row.at, id: row.id, kind: "sentAt" in row ? "message" : "send" };
}

function newestFirst(a: TimelineMessage | TimelineSend, b: TimelineMessage | TimelineSend): number {
  if (a.at !== b.at) return BigInt(a.at) < BigInt(b.at) ? 1 : -1;
  const [left, right] = [positionOf(a), positionOf(b)];
  if (left.kind !== right.kind) return left.kind === "send" ? -1 : 1;
  if (left.kind === "message") return BigInt(left.id) < BigInt(right.id) ? 1 : -1;
  return left.id < right.id ? 1 : -1;
}
