import type pg from "pg";
import type { StoreLine } from "./truth.ts";

/**
 * What the store holds, one line a row: read by the owner in plain SQL, so that neither a view nor a query of the code
 * under test can hide anything. A row that is there twice gives its line twice.
 */
export async function storedLines(owner: pg.ClientBase): Promise<StoreLine[]> {
  const lines: StoreLine[] = [];
  for (const text of [messages, statuses, charges, edits, reactions, conversations, persons, kept]) {
    const { rows } = await owner.query<{ key: string; value: unknown[] | null }>(text);
    lines.push(...rows.map(({ key, value }) => ({ key, value: value === null ? "" : onlyPhone(key, value) })));
  }
  return lines;
}

/** The line of a person holds the phone as it is; all others hold a list. */
function onlyPhone(key: string, value: unknown[]): string {
  return key.startsWith("person ") ? String(value[0] ?? "") : JSON.stringify(value);
}

const seconds = (column: string) => `floor(extract(epoch from ${column}))::bigint`;
const ofMessage = `message m join business_number n on n.workspace_id = m.workspace_id and n.id = m.number_id`;
const joined = (table: string) => `
  from ${table} x join message m on m.workspace_id = x.workspace_id and m.id = x.message_id
  join business_number n on n.workspace_id = m.workspace_id and n.id = m.number_id`;

const messages = `
  select 'message ' || n.phone_number_id || ' ' || m.wamid as key,
    json_build_array(m.direction, m.type, m.body, ${seconds("m.sent_at")}, i.key, m.status_rank, m.edited_body) as value
  from ${ofMessage}
  left join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
  left join identity i on i.workspace_id = c.workspace_id and i.id = c.identity_id`;

const statuses = `
  select 'status ' || n.phone_number_id || ' ' || m.wamid || ' ' || x.status as key,
    json_build_array(${seconds("x.occurred_at")}, x.pricing_type, x.pricing_category) as value
  ${joined("message_status")}`;

const charges = `
  select 'charge ' || n.phone_number_id || ' ' || m.wamid as key,
    json_build_array(${seconds("x.charged_at")}, x.pricing_type, x.pricing_category) as value
  ${joined("charge")}`;

const edits = `
  select 'edit ' || n.phone_number_id || ' ' || m.wamid || ' ' || x.edit_wamid as key,
    json_build_array(${seconds("x.edited_at")}, x.body) as value
  ${joined("message_edit")}`;

const reactions = `
  select 'reaction ' || n.phone_number_id || ' ' || m.wamid || ' ' || x.reaction_wamid as key,
    json_build_array(${seconds("x.reacted_at")}, x.emoji, coalesce(i.key, x.reactor)) as value
  ${joined("message_reaction")}
  left join identity i on i.workspace_id = x.workspace_id and i.id::text = x.reactor`;

const conversations = `
  select 'conversation ' || n.phone_number_id || ' ' || i.key as key, null as value
  from conversation c
  join business_number n on n.workspace_id = c.workspace_id and n.id = c.number_id
  join identity i on i.workspace_id = c.workspace_id and i.id = c.identity_id`;

/** Each BSUID is one person, and that person's phone is the phone Meta showed with it. */
const persons = `
  select 'person ' || b.key as key, json_build_array(string_agg(distinct a.value, ',' order by a.value)) as value
  from identity b
  left join identity p on p.workspace_id = b.workspace_id and p.person_id = b.person_id
  left join identity_attribute a on a.workspace_id = p.workspace_id and a.identity_id = p.id and a.kind = 'phone'
  where b.kind <> 'phone' group by b.workspace_id, b.portfolio_key, b.kind, b.id, b.key`;

/** A change that is kept by name is kept once for each delivery that carried it: here by what it says. */
const kept = `select distinct 'kept ' || (payload ->> 'marker') as key, null as value from kept_change`;
