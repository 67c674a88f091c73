import { type Nullable, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** A CRM record as a caller names it. */
export interface RecordKey {
  crm: string;
  type: string;
  id: string;
  /** The install that the caller speaks for; a console session speaks for all of its workspace. */
  installId?: string;
}

export interface RecordConversation {
  id: string;
  version: string;
  number: string;
  personId: string;
  name?: string;
  phone?: string;
  username?: string;
  lastLiveInboundAt?: Date;
  readThroughAt?: Date;
  /** Highest id of a message in it: ids grow in commit order within a number. */
  newestMessageId: string;
}

/** Which installs know this record: several portals may have a contact of the same id. */
export async function selectInstallsOfRecord(tx: Tx, workspaceId: string, record: RecordKey): Promise<string[]> {
  const { rows } = await tx.query<{ installId: string }>(sql`
    select distinct l.install_id as "installId" from record_link l
    join install i on i.workspace_id = l.workspace_id and i.id = l.install_id and i.uninstalled_at is null
    where l.workspace_id = ${workspaceId} and i.crm = ${record.crm} and l.record_type = ${record.type}
      and l.record_id = ${record.id} and (${record.installId}::uuid is null or l.install_id = ${record.installId}::uuid)`);
  return rows.map(({ installId }) => installId);
}

/** Every conversation, over all numbers, of every identity of the persons linked to a record. */
export async function selectConversationsOfRecord(
  tx: Tx,
  workspaceId: string,
  installId: string,
  record: RecordKey,
): Promise<RecordConversation[]> {
  const { rows } = await tx.query<Nullable<RecordConversation>>(sql.named("select-conversations-of-record")`
    with person as (
      select distinct i.person_id from record_link l
      join identity i on i.workspace_id = l.workspace_id and i.id = l.identity_id
      where l.workspace_id = ${workspaceId} and l.install_id = ${installId}
        and l.record_type = ${record.type} and l.record_id = ${record.id}
    )
    select c.id, c.version, coalesce(n.display_phone, n.phone_number_id) as number, i.person_id as "personId",
      c.last_live_inbound_at as "lastLiveInboundAt", c.read_through_at as "readThroughAt",
      (select value from identity_attribute a where a.workspace_id = i.workspace_id and a.identity_id = i.id
        and a.kind = 'name' order by a.last_seen_at desc limit 1) as name,
      (select value from identity_attribute a where a.workspace_id = i.workspace_id and a.identity_id = i.id
        and a.kind in ('wa-id', 'phone') order by a.kind desc, a.last_seen_at desc limit 1) as phone,
      (select value from identity_attribute a where a.workspace_id = i.workspace_id and a.identity_id = i.id
        and a.kind = 'username' order by a.last_seen_at desc limit 1) as username,
      coalesce((select max(id) from (select m.id from message m where m.workspace_id = c.workspace_id
        and m.conversation_id = c.id order by m.sent_at desc, m.id desc limit ${NEWEST_LOOKED_AT}) newest), 0)
        as "newestMessageId"
    from person p
    join identity i on i.workspace_id = ${workspaceId} and i.person_id = p.person_id
    join conversation c on c.workspace_id = i.workspace_id and c.identity_id = i.id
    join business_number n on n.workspace_id = c.workspace_id and n.id = c.number_id
    order by c.last_message_at desc nulls last, c.id limit ${CONVERSATIONS_MAX}`);
  return rows.map(withoutNulls<RecordConversation>);
}

const CONVERSATIONS_MAX = 200;
/** The last to arrive is among the newest by time; were it not, an agent would only be asked once too often. */
const NEWEST_LOOKED_AT = 20;
