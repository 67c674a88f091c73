import { type Nullable, type SendRow, sendColumns, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import { instant, latestAt, type Position } from "./timeline.ts";
import type { Tx } from "./transaction.ts";

/** A send as a screen needs it; `messageId` once it has become a message. */
export type TimelineSend = SendRow & { at: string; messageId?: string };

const at = sql`(extract(epoch from s.created_at) * 1000000)::bigint as at`;
const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Sends that are no message (yet), below a position, newest first. */
export async function selectSendsBefore(
  tx: Tx,
  workspaceId: string,
  conversationIds: readonly string[],
  before: Position | undefined,
  limit: number,
): Promise<TimelineSend[]> {
  const bound = before ?? { at: latestAt, kind: "send", id: HIGHEST_ID };
  // Sends of the very instant of a message stand above it, so none of them is still to come.
  const id = bound.kind === "send" ? bound.id : LOWEST_ID;
  const { rows } = await tx.query<Nullable<TimelineSend>>(sql.named("select-sends-before")`
    select ${sendColumns}, ${at} from send s
    where s.workspace_id = ${workspaceId} and s.conversation_id = any (${conversationIds}::uuid[]) and s.state <> 'confirmed'
      and (s.created_at, s.id) < (${instant(bound.at)}, ${id}::uuid)
    order by s.created_at desc, s.id desc limit ${limit}`);
  return rows.map(withoutNulls<TimelineSend>);
}

/** Sends of any state that changed after the version a reader has; ties are never cut apart. */
export async function selectSendsSince(
  tx: Tx,
  workspaceId: string,
  since: ReadonlyMap<string, string>,
  limit: number,
): Promise<TimelineSend[]> {
  const { rows } = await tx.query<Nullable<TimelineSend>>(sql.named("select-sends-since")`
    select page.*, m.id as "messageId"
    from unnest(${[...since.keys()]}::uuid[], ${[...since.values()]}::bigint[]) as conversation (id, version)
    cross join lateral (
      select ${sendColumns}, ${at} from send s
      where s.workspace_id = ${workspaceId} and s.conversation_id = conversation.id and s.version > conversation.version
      order by s.version fetch first (${limit}::int) rows with ties) page
    left join message m on m.workspace_id = ${workspaceId} and m.number_id = page."numberId" and m.wamid = page.wamid
      and page.state = 'confirmed'
    order by page.version`);
  return rows.map(withoutNulls<TimelineSend>);
}
