import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import { sqlStateOf } from "./postgres-errors.ts";
import { sql } from "./sql.ts";

/** The roles without login that do the daily work: one sees a workspace, the other the workspaces of its batch. */
export const APP_ROLE = "triveni_app";
export const WORKER_ROLE = "triveni_worker";

/** Roles are shared by all databases of a server, so two processes may create or grant one in the same moment. */
const CLASH_STATES = new Set(["42710", "23505", "XX000"]);
const TRIES_MAX = 5;

/** Creates the two roles and grants them to the login, when that is not so already. Needs CREATEROLE for it. */
export async function ensureRoles(owner: pg.Pool): Promise<void> {
  for (const role of [APP_ROLE, WORKER_ROLE]) {
    for (let tries = 1; !(await mayBecome(owner, role)); tries++) {
      if (tries > TRIES_MAX) throw cannotGrant(role);
      await createAndGrant(owner, role);
    }
  }
}

/** Refuses a pool that does not run as `role`: then row-level security would not hold. */
export async function assertRole(pool: pg.Pool, role: string): Promise<void> {
  const { rows } = await pool.query<{ role: string }>(sql`select current_user as role`);
  const actual = rows[0]?.role;
  if (actual === role) return;
  const message = `Connections run as ${actual} instead of ${role}: "options" in DATABASE_URL, or a pooler in transaction mode, drops the role. Connect to PostgreSQL directly, without "options".`;
  throw new Failure("forbidden", "store.role", message);
}

async function mayBecome(owner: pg.Pool, role: string): Promise<boolean> {
  // From 16 on, whoever creates a role is its member without the right to become it; 15 knows no such difference.
  const { rows } = await owner.query<{ may: boolean }>(sql`
    select pg_has_role(oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) as may
    from pg_roles where rolname = ${role}`);
  return rows[0]?.may ?? false;
}

/** Both in one statement, so that a crash leaves no role that is there but not granted. */
async function createAndGrant(owner: pg.Pool, role: string): Promise<void> {
  try {
    await owner.query(`do $$ begin
      if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
      execute format('grant ${role} to %I', current_user);
    end $$`);
  } catch (cause) {
    const state = sqlStateOf(cause) ?? "";
    if (state === "42501") throw cannotGrant(role, cause);
    if (!CLASH_STATES.has(state)) throw cause;
  }
}

function cannotGrant(role: string, cause?: unknown): Failure {
  const message = `The database login may not create or grant the role ${role}. Ask an administrator of the database to run: create role ${APP_ROLE} nologin; create role ${WORKER_ROLE} nologin; grant ${APP_ROLE}, ${WORKER_ROLE} to the login that DATABASE_URL names.`;
  return new Failure("forbidden", "store.roles_missing", message, { cause });
}
