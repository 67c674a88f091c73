import { type Nullable, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** What a CRM timeline needs to know of a message, and whose it is. */
export interface CrmMessage {
  messageId: string;
  direction: "in" | "out" | null;
  origin: string | null;
  originId: string | null;
  type: string | null;
  /** As it reads now: an edit that came before the writing is what gets written. */
  body: string | null;
  sentAt: Date | null;
  isRevoked: boolean;
  identityId: string | null;
  identityKind: "bsuid" | "phone" | "group" | "unnamed" | null;
  personId: string | null;
}

export async function selectCrmMessages(
  tx: Tx,
  workspaceId: string,
  messageIds: readonly string[],
): Promise<CrmMessage[]> {
  const { rows } = await tx.query<CrmMessage>(sql`
    select m.id as "messageId", m.direction, m.origin, m.origin_id as "originId", m.type,
      coalesce(m.edited_body, m.body) as body, m.sent_at as "sentAt", m.revoked_at is not null as "isRevoked",
      m.identity_id as "identityId", i.kind as "identityKind", i.person_id as "personId"
    from message m
    left join identity i on i.workspace_id = m.workspace_id and i.id = m.identity_id
    where m.workspace_id = ${workspaceId} and m.id = any (${messageIds}::bigint[])`);
  return rows;
}

/** How a person is known to us, over all identities; phones and names newest first. */
export interface PersonNames {
  personId: string;
  /** Digits as Meta wrote them; several when the number changed. */
  phones: string[];
  bsuids: string[];
  /** What the person calls themselves. The owner's address book stays private and is not asked. */
  names: string[];
}

export async function selectPersonNames(
  tx: Tx,
  workspaceId: string,
  personIds: readonly string[],
): Promise<PersonNames[]> {
  const { rows } = await tx.query<PersonNames>(sql`
    select i.person_id as "personId",
      coalesce(array_agg(a.value order by a.last_seen_at desc, a.value) filter (where a.kind = 'wa-id'), '{}')
        || coalesce(array_agg(a.value order by a.last_seen_at desc, a.value) filter (where a.kind = 'phone'), '{}')
        || coalesce(array_agg(distinct split_part(i.key, '#', 1)) filter (where i.kind = 'phone'), '{}') as phones,
      coalesce(array_agg(distinct i.key) filter (where i.kind = 'bsuid'), '{}') as bsuids,
      coalesce(array_agg(a.value order by a.last_seen_at desc, a.value) filter (where a.kind = 'name'), '{}')
        || coalesce(array_agg(a.value order by a.last_seen_at desc, a.value) filter (where a.kind = 'username'), '{}') as names
    from identity i
    left join identity_attribute a on a.workspace_id = i.workspace_id and a.identity_id = i.id
    where i.workspace_id = ${workspaceId} and i.person_id = any (${personIds}::uuid[])
    group by i.person_id`);
  return rows;
}

export interface CrmRefusal {
  messageId: string;
  crm: string;
  code: string;
  detail?: string;
}

/** Which of these messages a CRM would not have, and why; of one install where the reader speaks for one. */
export async function selectCrmRefusals(
  tx: Tx,
  { workspaceId, crm, installId }: { workspaceId: string; crm: string; installId?: string },
  messageIds: readonly string[],
): Promise<CrmRefusal[]> {
  if (messageIds.length === 0) return [];
  const { rows } = await tx.query<Nullable<CrmRefusal>>(sql.named("select-crm-refusals")`
    select c.message_id as "messageId", i.crm, c.refusal::jsonb ->> 'code' as code, c.refusal::jsonb ->> 'detail' as detail
    from install i
    join crm_write c on c.workspace_id = i.workspace_id and c.install_id = i.id and c.message_id = any (${messageIds}::bigint[])
    where i.workspace_id = ${workspaceId} and i.crm = ${crm} and i.uninstalled_at is null
      and (${installId}::uuid is null or i.id = ${installId}::uuid) and c.state = 'refused' and c.refusal is not null`);
  return rows.map(withoutNulls<CrmRefusal>);
}

/** These messages look different now: whoever follows their conversations is told (I15). The caller holds the lock of the workspace. */
export async function bumpMessages(tx: Tx, workspaceId: string, messageIds: readonly string[]): Promise<void> {
  await tx.query(sql`
    with changed as (
      select id, conversation_id from message
      where workspace_id = ${workspaceId} and id = any (${messageIds}::bigint[]) and conversation_id is not null
    ), bumped as (
      update conversation set version = version + 1
      where workspace_id = ${workspaceId} and id in (select conversation_id from changed)
      returning id, version
    )
    update message m set version = b.version from changed c join bumped b on b.id = c.conversation_id
    where m.workspace_id = ${workspaceId} and m.id = c.id`);
}

/** Persons whom an install refused a short while ago for one of `codes`: asking again so soon would only fail again. */
export async function selectRecentRefusals(
  tx: Tx,
  install: { workspaceId: string; installId: string },
  personIds: readonly string[],
  codes: readonly string[],
): Promise<{ personId: string; refusal: string }[]> {
  if (personIds.length === 0) return [];
  const { rows } = await tx.query<{ personId: string; refusal: string }>(sql`
    select p.id as "personId", r.refusal
    from unnest(${personIds}::uuid[]) as p (id)
    cross join lateral (
      select c.refusal from identity i
      join conversation v on v.workspace_id = i.workspace_id and v.identity_id = i.id
      join message m on m.workspace_id = v.workspace_id and m.conversation_id = v.id
      join crm_write c on c.workspace_id = m.workspace_id and c.message_id = m.id
      where i.workspace_id = ${install.workspaceId} and i.person_id = p.id
        and m.sent_at > clock_timestamp() - interval '1 day'
        and c.install_id = ${install.installId} and c.state = 'refused' and c.refusal::jsonb ->> 'code' = any (${codes}::text[])
        and c.next_try_at > clock_timestamp()
      limit 1) r`);
  return rows;
}
