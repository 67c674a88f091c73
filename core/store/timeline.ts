import { type Nullable, withoutNulls } from "./sends.ts";
import { type Statement, sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** A message as a screen needs it. */
export interface TimelineMessage {
  id: string;
  conversationId: string;
  /** Microseconds since 1970: JavaScript's dates would cut what PostgreSQL sorts by. */
  at: string;
  sentAt: Date;
  direction: "in" | "out";
  origin: string;
  originId?: string;
  type?: string;
  body?: string;
  content?: { reply?: { title?: string } };
  quotedWamid?: string;
  statusRank: number;
  failureCode?: number;
  editedBody?: string;
  isEdited: boolean;
  isRevoked: boolean;
  version: string;
}

/** A place between two items: everything shown comes after it. Sends stand above messages of the same instant. */
export interface Position {
  at: string;
  kind: "send" | "message";
  id: string;
}

const columns = sql`
  m.id, m.conversation_id as "conversationId", (extract(epoch from m.sent_at) * 1000000)::bigint as at,
  m.sent_at as "sentAt", m.direction, m.origin, m.origin_id as "originId", m.type, m.body, m.content,
  m.quoted_wamid as "quotedWamid", m.status_rank as "statusRank", m.failure_code as "failureCode",
  m.edited_body as "editedBody", m.edited_at is not null as "isEdited", m.revoked_at is not null as "isRevoked", m.version`;

/** Above every time that JavaScript knows. */
export const latestAt = "8640000000000000000";

const newest: Position = { at: latestAt, kind: "send", id: "9223372036854775807" };
const ID_MAX = "9223372036854775807";

/** Microseconds back into a time, exactly: multiplied as one number they would pass through a float. */
export function instant(at: string): Statement {
  return sql`(to_timestamp(0) + (${at}::bigint / 1000000) * interval '1 second'
    + (${at}::bigint % 1000000) * interval '1 microsecond')`;
}

/** The newest messages of the conversations below a position, merged by (sent_at, id), newest first. */
export async function selectMessagesBefore(
  tx: Tx,
  workspaceId: string,
  conversationIds: readonly string[],
  before: Position = newest,
  limit: number,
): Promise<TimelineMessage[]> {
  // Messages of the very instant of a send stand below it, so all of them are still to come.
  const id = before.kind === "message" ? before.id : ID_MAX;
  const { rows } = await tx.query<Nullable<TimelineMessage>>(sql.named("select-messages-before")`
    select page.* from unnest(${conversationIds}::uuid[]) as conversation (id)
    cross join lateral (
      select ${columns} from message m
      where m.workspace_id = ${workspaceId} and m.conversation_id = conversation.id
        and (m.sent_at, m.id) < (${instant(before.at)}, ${id}::bigint)
      order by m.sent_at desc, m.id desc limit ${limit}) page
    order by page."sentAt" desc, page.id desc limit ${limit}`);
  return rows.map(withoutNulls<TimelineMessage>);
}

/** What changed in each conversation after the version a reader has, oldest change first; ties are never cut apart. */
export async function selectMessagesSince(
  tx: Tx,
  workspaceId: string,
  since: ReadonlyMap<string, string>,
  limit: number,
): Promise<TimelineMessage[]> {
  const { rows } = await tx.query<Nullable<TimelineMessage>>(sql.named("select-messages-since")`
    select page.* from unnest(${[...since.keys()]}::uuid[], ${[...since.values()]}::bigint[]) as conversation (id, version)
    cross join lateral (
      select ${columns} from message m
      where m.workspace_id = ${workspaceId} and m.conversation_id = conversation.id and m.version > conversation.version
      order by m.version fetch first (${limit}::int) rows with ties) page
    order by page.version`);
  return rows.map(withoutNulls<TimelineMessage>);
}

/** Messages whose text contains the words, newest first. Revoked ones are not found. */
export async function searchMessages(
  tx: Tx,
  workspaceId: string,
  conversationIds: readonly string[],
  words: string,
  limit: number,
): Promise<TimelineMessage[]> {
  const pattern = `%${words.replace(/[\\%_]/g, "\\$&")}%`;
  const { rows } = await tx.query<Nullable<TimelineMessage>>(sql`
    select ${columns} from message m
    where m.workspace_id = ${workspaceId} and m.conversation_id = any (${conversationIds}::uuid[])
      and m.revoked_at is null and coalesce(m.edited_body, m.body) ilike ${pattern}
    order by m.sent_at desc, m.id desc limit ${limit}`);
  return rows.map(withoutNulls<TimelineMessage>);
}

export interface Reaction {
  messageId: string;
  reactor: string;
  emoji: string;
}

export async function selectReactions(tx: Tx, workspaceId: string, messageIds: readonly string[]): Promise<Reaction[]> {
  const { rows } = await tx.query<Reaction>(sql`
    select "messageId", reactor, emoji from (
      select distinct on (message_id, reactor) message_id as "messageId", reactor, emoji, reacted_at from message_reaction
      where workspace_id = ${workspaceId} and message_id = any (${messageIds}::bigint[])
      order by message_id, reactor, reacted_at desc, reaction_wamid desc) latest
    where emoji is not null order by "messageId", reacted_at`);
  return rows;
}

/** The messages that others quote, by wamid, within the same conversations. */
export async function selectQuoted(
  tx: Tx,
  workspaceId: string,
  conversationIds: readonly string[],
  wamids: readonly string[],
): Promise<Map<string, TimelineMessage>> {
  if (wamids.length === 0) return new Map();
  const { rows } = await tx.query<Nullable<TimelineMessage & { wamid: string }>>(sql`
    select ${columns}, m.wamid from conversation c
    join message m on m.workspace_id = c.workspace_id and m.number_id = c.number_id and m.wamid = any (${wamids}::text[])
      and m.conversation_id = c.id
    where c.workspace_id = ${workspaceId} and c.id = any (${conversationIds}::uuid[])`);
  return new Map(rows.map((row) => [row.wamid ?? "", withoutNulls<TimelineMessage>(row)]));
}
