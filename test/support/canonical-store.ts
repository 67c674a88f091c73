import type { TestDatabase } from "./database.ts";

/**
 * What a workspace's store says, without the ids and versions that depend on the order of arrival: the thing that must
 * be the same whatever the order, repetition and batching of the deliveries.
 */
export async function canonicalStore(database: TestDatabase, workspaceId: string): Promise<Record<string, unknown[]>> {
  const dump: Record<string, unknown[]> = {};
  for (const [name, query] of Object.entries(queries)) {
    const { rows } = await database.owner.query(query, [workspaceId]);
    dump[name] = rows;
  }
  return dump;
}

const names = `named as (select id, kind || ':' || key as name, person_id from identity where workspace_id = $1)`;

const queries: Record<string, string> = {
  messages: `with ${names} select m.wamid, c.name as conversation, i.name as identity, m.direction, m.origin, m.type, m.body,
      m.content, m.quoted_wamid, m.sent_at, m.opens_window, m.base_rank, m.content_rank, m.status_rank, m.failure_code,
      m.edited_at, m.edit_wamid, m.edited_body, m.edited_content, m.revoked_at
    from message m left join named i on i.id = m.identity_id
      left join conversation v on v.workspace_id = m.workspace_id and v.id = m.conversation_id left join named c on c.id = v.identity_id
    where m.workspace_id = $1 order by m.wamid`,
  statuses: `select m.wamid, s.status, s.participant, s.occurred_at, s.pricing_type, s.pricing_category, s.billable, s.errors
    from message_status s join message m on m.workspace_id = s.workspace_id and m.id = s.message_id
    where s.workspace_id = $1 order by 1, 2, 3`,
  charges: `select m.wamid, c.status_rank, c.pricing_type, c.pricing_category, c.charged_at
    from charge c join message m on m.workspace_id = c.workspace_id and m.id = c.message_id where c.workspace_id = $1 order by 1`,
  edits: `select m.wamid, e.edit_wamid, e.body from message_edit e
    join message m on m.workspace_id = e.workspace_id and m.id = e.message_id where e.workspace_id = $1 order by 1, 2`,
  reactions: `with ${names} select m.wamid, coalesce(i.name, r.reactor) as reactor, r.emoji, r.reacted_at
    from message_reaction r join message m on m.workspace_id = r.workspace_id and m.id = r.message_id
    left join named i on i.id::text = r.reactor where r.workspace_id = $1 order by 1, 2, 4`,
  attributes: `with ${names} select i.name, a.kind, a.value, a.first_seen_at, a.last_seen_at
    from identity_attribute a join named i on i.id = a.identity_id where a.workspace_id = $1 order by 1, 2, 3`,
  persons: `with ${names} select array_agg(name order by name) as person from named
    -- The identity of a period that was not so after all stays behind, alone and with nothing of its own.
    where name not like 'phone:%' or exists (select from message where workspace_id = $1 and identity_id = named.id)
      or exists (select from person_edge where workspace_id = $1 and closed_at is null and named.id in (identity_a, identity_b))
    group by person_id order by 1`,
  edges: `with ${names} select least(a.name, b.name) as one, greatest(a.name, b.name) as other, e.reason
    from person_edge e join named a on a.id = e.identity_a join named b on b.id = e.identity_b
    where e.workspace_id = $1 and e.closed_at is null order by 1, 2, 3`,
  // A conversation that lost its only message to a better source stays behind, empty; nobody is shown it.
  conversations: `with ${names} select i.name, v.last_message_at, v.last_live_inbound_at
    from conversation v join named i on i.id = v.identity_id
    where v.workspace_id = $1 and exists (select from message m where m.workspace_id = $1 and m.conversation_id = v.id) order by 1`,
  consent: `with ${names} select distinct i.name, purpose, state, source, occurred_at
    from consent_entry e join named i on i.id = e.identity_id where e.workspace_id = $1
      and not exists (select from consent_entry c where c.workspace_id = $1 and c.supersedes = e.id) order by 1, 2, 3, 4, 5`,
  accounts: `select object_type, object_id, aspect, value, occurred_at from account_fact where workspace_id = $1 order by 1, 2, 3`,
  addressBook: `select key, full_name, is_removed, changed_at from address_book_entry where workspace_id = $1 order by 1`,
};
