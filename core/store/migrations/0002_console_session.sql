-- Who sits before the console. A set-up link is good once and for 15 minutes; a session lives in a cookie.
-- Both hold hashes only: a copy of the database lets nobody in.

create table console_entry (
  workspace_id uuid not null references workspace,
  token_hash bytea not null,
  agent text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (workspace_id, token_hash)
);
create unique index console_entry_by_token on console_entry (token_hash);

create table console_session (
  workspace_id uuid not null references workspace,
  token_hash bytea not null,
  agent text not null,
  started_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  primary key (workspace_id, token_hash)
);
create unique index console_session_by_token on console_session (token_hash);

do $d$
declare name text;
begin
  foreach name in array array['console_entry', 'console_session'] loop
    perform protect_tenant_table(name::regclass);
    execute format('grant select, insert, update, delete on %I to triveni_app', name);
  end loop;
end $d$;

-- A visitor brings a token, not a workspace: these two questions, and only these, are asked across workspaces.
create function use_console_entry(token_hash bytea, at timestamptz) returns table (workspace_id uuid, agent text)
  language sql volatile security definer set search_path = pg_catalog, public
  as $f$ update public.console_entry e set used_at = $2
         where e.token_hash = $1 and e.used_at is null and e.expires_at > $2
         returning e.workspace_id, e.agent $f$;
create function console_session_of(token_hash bytea, at timestamptz) returns table (workspace_id uuid, agent text)
  language sql stable security definer set search_path = pg_catalog, public
  as $f$ select s.workspace_id, s.agent from public.console_session s
         where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 $f$;
revoke all on function use_console_entry, console_session_of from public;
grant execute on function use_console_entry, console_session_of to triveni_app;
