import type pg from "pg";
import { APP_ROLE, WORKER_ROLE } from "./roles.ts";
import { sql } from "./sql.ts";

/** What `doctor` asks of the server itself. */
export interface ServerFacts {
  version: string;
  major: number;
  /** As this pool's sessions have them. */
  durability: { fsync: string; full_page_writes: string; synchronous_commit: string };
}

export async function serverFacts(pool: pg.Pool): Promise<ServerFacts> {
  const { rows } = await pool.query(sql`
    select split_part(current_setting('server_version'), ' ', 1) as version,
      current_setting('server_version_num')::int / 10000 as major,
      json_build_object('fsync', current_setting('fsync'), 'full_page_writes', current_setting('full_page_writes'),
        'synchronous_commit', current_setting('synchronous_commit')) as durability`);
  return rows[0];
}

export interface RoleFacts {
  name: string;
  isSuperuser: boolean;
  bypassesRls: boolean;
}

/** The login and the two roles that it becomes. */
export async function roleFacts(owner: pg.Pool): Promise<RoleFacts[]> {
  const { rows } = await owner.query<RoleFacts>(sql`
    select rolname as name, rolsuper as "isSuperuser", rolbypassrls as "bypassesRls" from pg_roles
    where rolname in (current_user, ${APP_ROLE}, ${WORKER_ROLE}) order by rolname`);
  return rows;
}

/** Tables with a workspace, and whether row-level security holds even for their owner. Queue tables are shared by name. */
export async function tenantTables(owner: pg.Pool): Promise<{ name: string; isForced: boolean }[]> {
  const { rows } = await owner.query(sql`
    select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as "isForced" from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not in ('lane', 'parked_item')
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)
    order by 1`);
  return rows;
}

/** Empty before the first start. */
export async function appliedMigrations(owner: pg.Pool): Promise<{ number: number; checksum: string }[]> {
  const { rows: tables } = await owner.query(sql`select to_regclass('public.migration') is not null as "isThere"`);
  if (!tables[0].isThere) return [];
  const { rows } = await owner.query(sql`select number, checksum from migration order by number`);
  return rows;
}
