-- A send that Meta certainly did not take waits for its next try; one whose answer was lost waits for its status.

alter table send
  add column attempts smallint not null default 0,
  add column next_try_at timestamptz,
  add column claimed_at timestamptz,
  -- While claimed: Meta may be being called until then, and the conversation's next message waits. Null: the call is over.
  add column call_until timestamptz;

-- Readers resume a conversation by version, and meet a send again when it has become a message.
create index send_by_version on send (workspace_id, conversation_id, version);
-- Has Meta told us of anything this number sent later? (see settle-sends)
create index send_confirmed_later on send (workspace_id, number_id, claimed_at) where state = 'confirmed';
create index send_stale on send (claimed_at) where state = 'claimed';

-- In a circle that begins behind a number, so that nobody stands at its front for ever. One probe of send_waiting per
-- number, however much it has waiting.
drop function workspaces_with_sends(timestamptz);
create function workspaces_with_sends(due_before timestamptz, after_number bigint)
  returns table (workspace_id uuid, number_id bigint)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ with recursive waiting (id) as (
           select min(s.number_id) from public.send s where s.state in ('queued', 'claimed')
           union all
           select (select min(s.number_id) from public.send s
                   where s.state in ('queued', 'claimed') and s.number_id > waiting.id)
           from waiting where waiting.id is not null)
         select due.workspace_id, waiting.id
         from waiting cross join lateral (
           select s.workspace_id from public.send s
           where s.number_id = waiting.id and s.state = 'queued' and (s.next_try_at is null or s.next_try_at <= due_before)
           limit 1) due
         order by waiting.id <= after_number, waiting.id limit 1000 $f$;
create function workspaces_with_stale_sends(claimed_before timestamptz) returns table (workspace_id uuid, number_id bigint)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select distinct s.workspace_id, s.number_id from public.send s
         where s.state = 'claimed' and s.claimed_at <= claimed_before limit 1000 $f$;
revoke all on function workspaces_with_sends, workspaces_with_stale_sends from public;
grant execute on function workspaces_with_sends, workspaces_with_stale_sends to triveni_worker;
