-- The founding schema. Rules that hold for every later migration:
--  * a table of a tenant has workspace_id first in its key and row-level security forced (protect_tenant_table);
--  * the tables without a workspace are the named list at the end (delivery and the queue's own);
--  * PostgreSQL 15 features only.
-- Roles: the login owns the schema and migrates; triveni_app sees one workspace (app.workspace_id);
-- triveni_worker sees the workspaces of its batch (app.workspace_ids). Both are made before migrations run.

create function protect_tenant_table(name regclass) returns void language plpgsql as $f$
begin
  execute format('alter table %s enable row level security', name);
  execute format('alter table %s force row level security', name);
  -- nullif: after a "set local" the setting reads '' in later transactions, and ''::uuid throws.
  -- "is true": the policy is a net, never the way to the rows. As a plain equality the planner takes it for an index
  -- condition and, on tables without statistics, scans a workspace for every key (measured: 40 times slower).
  execute format($p$create policy own on %s to triveni_app
    using ((workspace_id = (select nullif(current_setting('app.workspace_id', true), '')::uuid)) is true)$p$, name);
  execute format($p$create policy batch on %s to triveni_worker
    using ((workspace_id = any ((select nullif(current_setting('app.workspace_ids', true), '')::uuid[])::uuid[])) is true)$p$, name);
  execute format('create policy owner on %s to current_user using (true) with check (true)', name);
end $f$;

-- ---------------------------------------------------------------- who we work for

-- Whoever writes messages or people of a workspace locks its row first (for no key update): one writer at a time.
create table workspace (
  workspace_id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

-- A WABA with its periods: it belongs to one workspace at a time.
create table waba (
  workspace_id uuid not null references workspace,
  waba_id text not null,
  portfolio_key text not null, -- business portfolio id, or 'waba:<id>' while Meta has not told us
  token_sealed bytea,
  connected_at timestamptz not null default now(),
  disconnected_at timestamptz,
  primary key (workspace_id, waba_id)
);
create unique index waba_in_one_workspace on waba (waba_id) where disconnected_at is null;

-- A business number with its periods.
create table business_number (
  workspace_id uuid not null references workspace,
  id bigint generated always as identity,
  phone_number_id text not null,
  waba_id text not null,
  display_phone text, -- digits, as webhooks print it
  is_coexistence boolean not null default false,
  connected_at timestamptz not null default now(),
  disconnected_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, waba_id) references waba
);
create unique index number_in_one_workspace on business_number (phone_number_id) where disconnected_at is null;
create index number_by_display_phone on business_number (display_phone);

-- One CRM account connected to a workspace; over all workspaces an account is connected once.
create table install (
  workspace_id uuid not null references workspace,
  id uuid not null,
  crm text not null,
  crm_account_id text not null,
  tokens_sealed bytea,
  token_expires_at timestamptz,
  installed_at timestamptz not null default now(),
  uninstalled_at timestamptz,
  primary key (workspace_id, id)
);
create unique index crm_account_in_one_workspace on install (crm, crm_account_id) where uninstalled_at is null;

-- ---------------------------------------------------------------- people

-- One way Meta names somebody. Immutable but for person_id, which is a projection of person_edge.
--  bsuid: key is the business-scoped user id     phone: key is the canonical phone, '#<owner>' behind it
--  group: key is the group id                    unnamed: key is the wamid of a message that names nobody
create table identity (
  workspace_id uuid not null,
  id uuid not null,
  portfolio_key text not null,
  kind text not null check (kind in ('bsuid', 'phone', 'group', 'unnamed')),
  key text not null,
  person_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, id)
);
create unique index identity_by_key on identity (workspace_id, portfolio_key, kind, key);
create index identity_by_person on identity (workspace_id, person_id);

-- What an identity was called, and when (Meta's clock): phones, usernames, names, parent ids. A phone stands in its
-- canonical form; where Meta writes it otherwise (Brazil, Mexico, Argentina) 'wa-id' keeps that form for sending.
-- last_seen_at is cut to the day so that a chatty person costs one update a day.
create table identity_attribute (
  workspace_id uuid not null,
  identity_id uuid not null,
  kind text not null check (kind in ('phone', 'wa-id', 'username', 'name', 'address-book-name', 'parent-bsuid')),
  value text not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  primary key (workspace_id, identity_id, kind, value)
);
-- Names are not looked up by; phones and usernames are.
create index identity_by_attribute on identity_attribute (workspace_id, value) where kind in ('phone', 'username');

-- "This phone got a new owner at this time", said by Meta's user_changed_number.
create table number_change (
  workspace_id uuid not null,
  portfolio_key text not null,
  wamid text not null,
  phone text not null, -- canonical, the new one
  from_bsuid text, -- who moved, as Meta named them; which human that was is derived, for it may be learnt later
  from_phone text, -- canonical
  changed_at timestamptz not null,
  primary key (workspace_id, wamid)
);
create index number_change_by_phone on number_change (workspace_id, portfolio_key, phone);
create index number_change_by_origin on number_change (workspace_id, portfolio_key, from_phone);

-- A person is the identities joined by open edges. Append-only: undo closes an edge, with its reason.
create table person_edge (
  workspace_id uuid not null,
  id uuid not null,
  identity_a uuid not null,
  identity_b uuid not null,
  reason text not null check (reason in ('shown-together', 'user-id-update', 'changed-user-id', 'changed-number', 'joined-by-agent')),
  evidence text not null,
  made_by text not null,
  made_at timestamptz not null,
  closed_at timestamptz,
  closed_by text,
  close_reason text,
  primary key (workspace_id, id),
  check (identity_a < identity_b)
);
-- An agent's word stands beside Meta's: closing the one leaves the other.
create unique index person_edge_open on person_edge (workspace_id, identity_a, identity_b, (reason = 'joined-by-agent'))
  where closed_at is null;
create index person_edge_by_a on person_edge (workspace_id, identity_a);
create index person_edge_by_b on person_edge (workspace_id, identity_b);

-- ---------------------------------------------------------------- conversations

create table conversation (
  workspace_id uuid not null,
  id uuid not null,
  number_id bigint not null,
  identity_id uuid not null,
  version bigint not null default 0,
  last_message_at timestamptz,
  last_live_inbound_at timestamptz, -- opens the customer service window (I7)
  read_through_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (workspace_id, id)
) with (fillfactor = 70); -- every message counts the version up: with room on its page and no index on what changes, in place
create unique index conversation_by_pair on conversation (workspace_id, number_id, identity_id);
create index conversation_by_identity on conversation (workspace_id, identity_id);

-- One (number, wamid) is one row (I2), whatever is heard of it first. base_rank and content_rank say how good
-- the source of (direction, person, time) and of (type, body, content) was; higher wins, see core/domain/message.ts.
create table message (
  workspace_id uuid not null,
  id bigint generated by default as identity, -- drawn before the insert, so that children are written in the same pass
  number_id bigint not null,
  wamid text not null,
  conversation_id uuid,
  identity_id uuid,
  direction text check (direction in ('in', 'out')),
  origin text check (origin in ('customer', 'agent', 'phone', 'campaign', 'workflow', 'automation', 'import', 'api')),
  origin_id text,
  type text,
  body text,
  content jsonb,
  quoted_wamid text,
  sent_at timestamptz,
  received_at timestamptz not null,
  opens_window boolean not null default false,
  base_rank smallint not null default 0,
  content_rank smallint not null default 0,
  status_rank smallint not null default 0,
  failure_code integer,
  edited_at timestamptz,
  edit_wamid text,
  edited_body text,
  edited_content jsonb,
  revoked_at timestamptz,
  version bigint not null default 0,
  primary key (workspace_id, id)
);
create unique index message_by_wamid on message (workspace_id, number_id, wamid);
create index message_by_time on message (workspace_id, conversation_id, sent_at desc, id desc) where conversation_id is not null;
create index message_by_quote on message (workspace_id, number_id, quoted_wamid) where quoted_wamid is not null;
create index message_by_version on message (workspace_id, conversation_id, version) where conversation_id is not null;

-- Messages that left a conversation when it was learnt whose they are (rare): for readers who follow by version.
create table message_removal (
  workspace_id uuid not null,
  conversation_id uuid not null,
  message_id bigint not null,
  version bigint not null,
  primary key (workspace_id, conversation_id, message_id)
);

-- Every status Meta reported, once. participant is '' outside groups.
create table message_status (
  workspace_id uuid not null,
  message_id bigint not null,
  status text not null,
  participant text not null default '',
  occurred_at timestamptz not null,
  pricing_type text,
  pricing_category text,
  pricing_model text,
  billable boolean,
  errors jsonb,
  primary key (workspace_id, message_id, status, participant)
);

-- What a delivered message cost us in Meta's words; one row a message (I14).
create table charge (
  workspace_id uuid not null,
  message_id bigint not null,
  number_id bigint not null,
  status_rank smallint not null, -- the status whose pricing was taken: delivered before read
  pricing_type text not null,
  pricing_category text not null,
  charged_at timestamptz not null,
  primary key (workspace_id, message_id)
);

create table message_edit (
  workspace_id uuid not null,
  message_id bigint not null,
  edit_wamid text not null,
  edited_at timestamptz not null,
  type text,
  body text,
  content jsonb,
  primary key (workspace_id, message_id, edit_wamid)
);

-- Every word of each reactor; the latest is shown, emoji null means taken back. All are kept, because whose phone it
-- was may be learnt later.
create table message_reaction (
  workspace_id uuid not null,
  message_id bigint not null,
  reaction_wamid text not null,
  reactor text not null, -- 'business' or the identity id
  emoji text,
  reacted_at timestamptz not null,
  primary key (workspace_id, message_id, reaction_wamid)
);

-- ---------------------------------------------------------------- what Meta tells of people and accounts

-- Append-only ledger of permissions. This issue writes what Meta reports; the sending issue adds the rest.
create table consent_entry (
  workspace_id uuid not null,
  id uuid not null,
  identity_id uuid not null,
  purpose text not null,
  state text not null check (state in ('granted', 'withdrawn')),
  source text not null,
  occurred_at timestamptz not null,
  evidence jsonb not null,
  supersedes uuid, -- the entry that this one corrects: it had been written down for an earlier holder of the phone
  recorded_at timestamptz not null default now(),
  primary key (workspace_id, id)
);
create unique index consent_entry_once on consent_entry (workspace_id, identity_id, purpose, source, occurred_at, state,
  coalesce(supersedes, '00000000-0000-0000-0000-000000000000'));
create unique index consent_entry_superseded on consent_entry (workspace_id, supersedes) where supersedes is not null;

-- The owner's phone book as the app state sync tells it. Private: never a CRM contact by itself.
create table address_book_entry (
  workspace_id uuid not null,
  number_id bigint not null,
  key text not null, -- canonical phone, else BSUID
  phone text,
  bsuid text,
  username text,
  full_name text,
  first_name text,
  is_removed boolean not null,
  changed_at timestamptz not null,
  primary key (workspace_id, number_id, key)
);

-- One row for each history chunk that arrived, for progress and gaps.
create table history_chunk (
  workspace_id uuid not null,
  number_id bigint not null,
  phase smallint not null,
  chunk_order integer not null,
  progress smallint,
  messages integer not null,
  received_at timestamptz not null,
  primary key (workspace_id, number_id, phase, chunk_order)
);

-- Append-only: every account, template, quality, limit webhook and value-level error as it came.
create table account_event (
  workspace_id uuid not null,
  digest text not null, -- of field, object and payload: a redelivery is the same event
  object_type text not null,
  object_id text not null,
  field text not null,
  event text,
  payload jsonb not null,
  occurred_at timestamptz not null,
  delivery_id bigint not null,
  primary key (workspace_id, digest)
);
create index account_event_by_object on account_event (workspace_id, object_type, object_id, occurred_at desc);

-- The newest word about one aspect of a waba, number, template or portfolio.
create table account_fact (
  workspace_id uuid not null,
  object_type text not null check (object_type in ('waba', 'number', 'template', 'portfolio')),
  object_id text not null,
  aspect text not null,
  value jsonb not null,
  occurred_at timestamptz not null,
  primary key (workspace_id, object_type, object_id, aspect)
);

-- Changes we store and cannot yet use, by name: nothing is dropped in silence.
create table kept_change (
  workspace_id uuid not null,
  delivery_id bigint not null,
  change integer not null,
  position integer not null, -- among the facts of the change
  field text not null,
  reason text not null,
  payload jsonb not null,
  kept_at timestamptz not null,
  primary key (workspace_id, delivery_id, change, position)
);

-- ---------------------------------------------------------------- out of the house

-- Our own sending. The idempotency key reaches Meta at most once (I4).
create table send (
  workspace_id uuid not null,
  id uuid not null,
  idempotency_key text not null,
  number_id bigint not null,
  conversation_id uuid not null,
  identity_id uuid not null,
  origin text not null,
  origin_id text,
  recipient_phone text,
  recipient_bsuid text,
  type text not null,
  body text,
  content jsonb,
  quoted_wamid text,
  seen_version bigint,
  state text not null check (state in ('queued', 'claimed', 'confirmed', 'refused', 'held', 'cancelled', 'unconfirmed')),
  state_at timestamptz not null,
  refusal jsonb, -- {code, detail} in the words' keys
  wamid text,
  claimed_by text,
  version bigint not null default 0,
  created_at timestamptz not null,
  primary key (workspace_id, id)
);
create unique index send_once on send (workspace_id, idempotency_key);
create index send_waiting on send (number_id, created_at) where state in ('queued', 'claimed');
create index send_by_conversation on send (workspace_id, conversation_id, created_at) where state <> 'confirmed';

-- Which CRM record an identity is linked to.
create table record_link (
  workspace_id uuid not null,
  install_id uuid not null,
  identity_id uuid not null,
  record_type text not null,
  record_id text not null,
  linked_by text not null,
  linked_at timestamptz not null,
  primary key (workspace_id, install_id, identity_id, record_type)
);
create index record_link_by_record on record_link (workspace_id, install_id, record_type, record_id);

-- Messages to be written to a CRM timeline: pending -> writing (lease) -> written (id), or refused with a reason.
create table crm_write (
  workspace_id uuid not null,
  install_id uuid not null,
  message_id bigint not null,
  state text not null default 'pending' check (state in ('pending', 'writing', 'written', 'refused')),
  marker text not null,
  activity_id text,
  record_id text,
  refusal text,
  attempts integer not null default 0,
  leased_by text,
  leased_until timestamptz,
  next_try_at timestamptz not null,
  primary key (workspace_id, install_id, message_id)
);
create index crm_write_waiting on crm_write (install_id, next_try_at) where state in ('pending', 'writing');

-- Who did or saw what. One writer, append-only.
create table audit_entry (
  workspace_id uuid not null,
  id uuid not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb,
  request_id text,
  happened_at timestamptz not null,
  primary key (workspace_id, id)
);

-- ---------------------------------------------------------------- tables without a workspace: deliveries and the queue

-- One connection writes deliveries under one writer id, one batch after another, so its ids become visible in order
-- and a cursor per writer never skips a row: no queue table, no update, no delete on the hot path. The connection holds
-- the advisory lock (delivery_writer, id): a writer whose lock is free can write no more.
create table delivery_writer (
  id integer generated always as identity primary key,
  started_at timestamptz not null default now(),
  routed_through bigint not null,
  routed_at timestamptz not null default now() -- when the cursor last moved: who waited longest is next
);

-- Raw bytes as they came; id = writer id * 2^32 + number. Encryption at rest is the volume's.
create table delivery (
  id bigint not null,
  received_at timestamptz not null,
  source text not null default 'meta',
  payload bytea not null,
  primary key (id, received_at)
) partition by range (received_at);
-- The net below the daily partitions: a missing partition must not refuse a webhook.
create table delivery_default partition of delivery default;

-- The deliveries of one number (or WABA), live or history, worked by one worker at a time.
create table lane (
  id bigint generated always as identity primary key,
  workspace_id uuid not null references workspace,
  kind smallint not null, -- 0 live, 1 history
  number_id bigint, -- null: the lane of a WABA's account webhooks
  waba_id text not null,
  leased_by text,
  leased_until timestamptz,
  fence bigint not null default 0,
  attempts integer not null default 0 -- leases since the last success: a batch that kills its worker shrinks
);
create unique index lane_by_key on lane (workspace_id, kind, waba_id, coalesce(number_id, 0));

-- Work of a lane, in order of id. changes: which changes of the delivery are meant; null = all of them.
create table lane_item (
  kind smallint not null,
  lane_id bigint not null,
  id bigint generated always as identity,
  delivery_id bigint not null,
  received_at timestamptz not null,
  bytes integer not null, -- of the delivery, so that a batch can be bounded before it is read
  changes integer[],
  primary key (kind, lane_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Changes of numbers and WABAs that nobody has connected (yet).
create table unrouted_change (
  id bigint generated always as identity primary key,
  phone_number_id text,
  waba_id text,
  display_phone text,
  kind smallint not null,
  delivery_id bigint not null,
  received_at timestamptz not null,
  bytes integer not null,
  changes integer[],
  kept_until timestamptz not null
);
create unique index unrouted_once on unrouted_change (delivery_id, coalesce(phone_number_id, ''), coalesce(waba_id, ''), kind);
create index unrouted_by_age on unrouted_change (kept_until);

-- Deliveries and changes that cannot be applied, with the reason; applied again after an upgrade by `reapply`.
create table parked_item (
  id bigint generated always as identity primary key,
  workspace_id uuid,
  lane_id bigint,
  delivery_id bigint not null,
  received_at timestamptz not null,
  changes integer[],
  reason text not null,
  parked_at timestamptz not null default now(),
  reapplied_at timestamptz
);
create unique index parked_once on parked_item (delivery_id, coalesce(lane_id, 0), coalesce(changes, '{}'));

-- Anything paced or owned by one process at a time, shared by all processes.
create table lease (
  name text primary key,
  held_by text,
  held_until timestamptz,
  fence bigint not null default 0
);
create table bucket (
  name text primary key,
  tokens double precision not null,
  refilled_at timestamptz not null
);
create table worker (
  id text primary key,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

-- ---------------------------------------------------------------- rights

do $d$
declare name text;
begin
  foreach name in array array['workspace', 'waba', 'business_number', 'install', 'identity', 'identity_attribute',
    'number_change', 'person_edge', 'conversation', 'message', 'message_status', 'charge', 'message_edit', 'message_removal',
    'message_reaction', 'consent_entry', 'address_book_entry', 'history_chunk', 'account_event', 'account_fact',
    'kept_change', 'send', 'record_link', 'crm_write', 'audit_entry'] loop
    perform protect_tenant_table(name::regclass);
    execute format('grant select, insert, update, delete on %I to triveni_app, triveni_worker', name);
  end loop;
end $d$;
-- Append-only for everybody but the owner.
revoke update, delete on consent_entry, audit_entry, account_event from triveni_app, triveni_worker;

-- The web side may record deliveries, not read them; the worker may read them, not write them.
grant insert on delivery to triveni_app;
grant select on delivery to triveni_worker;
grant insert, select on delivery_writer to triveni_app;
grant select, update, delete on delivery_writer to triveni_worker;
grant select, insert, update, delete on lane, lane_item, unrouted_change, parked_item to triveni_worker;
grant select, insert, update, delete on lease, bucket, worker to triveni_app, triveni_worker;
grant usage on all sequences in schema public to triveni_app, triveni_worker;

-- The router does not know the workspaces of a delivery yet: these questions, and only these, may cross them.
create function routes_of_numbers(numbers text[])
  returns table (phone_number_id text, workspace_id uuid, number_id bigint, waba_id text, since timestamptz, until timestamptz)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select n.phone_number_id, n.workspace_id, n.id, n.waba_id, n.connected_at, n.disconnected_at
         from public.business_number n where n.phone_number_id = any (numbers) $f$;
create function routes_of_wabas(wabas text[])
  returns table (waba_id text, workspace_id uuid, since timestamptz, until timestamptz)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select w.waba_id, w.workspace_id, w.connected_at, w.disconnected_at
         from public.waba w where w.waba_id = any (wabas) $f$;
create function routes_of_phones(phones text[])
  returns table (display_phone text, workspace_id uuid, number_id bigint, waba_id text, since timestamptz, until timestamptz)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select n.display_phone, n.workspace_id, n.id, n.waba_id, n.connected_at, n.disconnected_at
         from public.business_number n where n.display_phone = any (phones) $f$;
-- Which workspaces have messages waiting to be sent, or CRM writes waiting: ids only.
create function workspaces_with_sends(due_before timestamptz) returns table (workspace_id uuid, number_id bigint)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select distinct s.workspace_id, s.number_id from public.send s
         where s.state in ('queued', 'claimed') and s.created_at <= due_before limit 1000 $f$;
create function installs_with_writes(due_before timestamptz) returns table (workspace_id uuid, install_id uuid, crm text)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select i.workspace_id, i.id, i.crm from public.install i
         where i.uninstalled_at is null and exists (select from public.crm_write c
           where c.install_id = i.id and c.state in ('pending', 'writing') and c.next_try_at <= due_before) limit 1000 $f$;
create function install_of_account(crm text, crm_account_id text) returns table (workspace_id uuid, install_id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select i.workspace_id, i.id from public.install i
         where i.crm = $1 and i.crm_account_id = $2 and i.uninstalled_at is null $f$;
revoke all on function routes_of_numbers, routes_of_wabas, routes_of_phones, workspaces_with_sends, installs_with_writes,
  install_of_account from public;
grant execute on function routes_of_numbers, routes_of_wabas, routes_of_phones, workspaces_with_sends,
  installs_with_writes to triveni_worker;
grant execute on function install_of_account to triveni_app, triveni_worker;

-- Daily partitions are made and dropped by the owner's maintenance job. Rows that fell into the default partition
-- because their day was missing move into it.
create function make_delivery_partitions(from_day date, days integer) returns integer language plpgsql as $f$
declare day date; made integer := 0; name text; low timestamptz; high timestamptz;
begin
  for i in 0 .. days - 1 loop
    day := from_day + i;
    name := 'delivery_' || to_char(day, 'YYYYMMDD');
    low := day::timestamp at time zone 'UTC';
    high := (day + 1)::timestamp at time zone 'UTC';
    continue when to_regclass('public.' || name) is not null;
    -- What arrives meanwhile waits: a row that slipped in would refuse the new partition, and every later day with it.
    lock table delivery_default in access exclusive mode;
    execute format('create table %I (like delivery including all)', name);
    execute format('with moved as (delete from delivery_default where received_at >= %L and received_at < %L returning *)
      insert into %I select * from moved', low, high, name);
    -- Attached, not created as a partition: that would lock out the writers of other days.
    execute format('alter table delivery attach partition %I for values from (%L) to (%L)', name, low, high);
    made := made + 1;
  end loop;
  return made;
end $f$;
revoke all on function make_delivery_partitions, protect_tenant_table from public;

-- Rare jobs are enqueued by roles that have no right on the queue's own tables (recipes.md 8). The body is checked when
-- it runs: graphile-worker makes its schema after ours.
create function enqueue(task text, payload json, key text default null) returns void
  language plpgsql security definer set search_path = pg_catalog
  as $f$ begin perform graphile_worker.add_job(task, payload, job_key => key); end $f$;
revoke all on function enqueue from public;
grant execute on function enqueue to triveni_app, triveni_worker;
