import { statfsSync } from "node:fs";
import type pg from "pg";
import { readMigrations } from "#core/store/migration-files.ts";
import { appliedMigrations, type RoleFacts, roleFacts, serverFacts, tenantTables } from "#core/store/server-facts.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** The range that CI runs on. */
const testedMajors = { oldest: 15, newest: 18 };
const roleCount = 3;
const freeGib = { warn: 5, fail: 1 };

export async function checkVersion(app: pg.Pool): Promise<Check> {
  const { version, major } = await serverFacts(app);
  const what = "server version";
  const { oldest, newest } = testedMajors;
  const range = `Triveni is tested on PostgreSQL ${oldest} to ${newest}.`;
  if (major < oldest) return fail(what, version, `${range} Upgrade the server.`);
  return major > newest
    ? warn(what, version, `${range} Use one of those, or watch the log closely.`)
    : ok(what, version);
}

/** An acknowledged delivery is only safe when its commit is on disk (I1). Asked of the pool that acknowledges. */
export async function checkDurability(app: pg.Pool): Promise<Check[]> {
  const { durability } = await serverFacts(app);
  return Object.entries(durability).map(([name, value]) =>
    value === "off"
      ? fail(
          name,
          value,
          `A crash loses deliveries that Meta was told we have. Set ${name} = on and reload PostgreSQL.`,
        )
      : ok(name, value),
  );
}

export async function checkRoles(owner: pg.Pool): Promise<Check> {
  return judgeRoles(await roleFacts(owner));
}

export function judgeRoles(roles: readonly RoleFacts[]): Check {
  const what = "roles";
  const names = roles.map(({ name }) => name).join(", ");
  if (roles.length < roleCount)
    return fail(what, `only ${names}`, "Start Triveni once: it makes triveni_app and triveni_worker.");
  const above = roles.filter((role) => role.isSuperuser || role.bypassesRls).map(({ name }) => name);
  if (above.length === 0) return ok(what, `${names}; none is above row-level security`);
  const todo = `Row-level security does not bind it. Run: alter role ${above[0]} nosuperuser nobypassrls; or give DATABASE_URL another login.`;
  return fail(what, `${above.join(", ")} is a superuser or has BYPASSRLS`, todo);
}

export async function checkRowSecurity(owner: pg.Pool): Promise<Check> {
  const what = "row-level security";
  const tables = await tenantTables(owner);
  if (tables.length === 0) return fail(what, "no tables yet", "Start Triveni once: it makes them.");
  const open = tables.filter(({ isForced }) => !isForced).map(({ name }) => name);
  if (open.length === 0) return ok(what, `forced on ${tables.length} tables`);
  return fail(what, `not forced on ${open.join(", ")}`, `Run as the owner: select protect_tenant_table('${open[0]}');`);
}

export async function checkMigrations(owner: pg.Pool): Promise<Check> {
  const what = "migrations";
  const files = readMigrations();
  const applied = new Map((await appliedMigrations(owner)).map(({ number, checksum }) => [number, checksum]));
  const newest = Math.max(0, ...applied.keys());
  const value = `${applied.size} of ${files.length} applied`;
  if (newest > (files.at(-1)?.number ?? 0))
    return fail(what, `the database is at ${newest}, newer than this Triveni`, "Run the newer version of Triveni.");
  const edited = files.filter(({ number, checksum }) => applied.has(number) && applied.get(number) !== checksum);
  if (edited[0]) return fail(what, `${edited[0].name} differs from what was applied`, "Restore the file as released.");
  return applied.size < files.length ? fail(what, value, "Start Triveni: it applies the others.") : ok(what, value);
}

/** `dir`: where our own PostgreSQL keeps its data; undefined for somebody else's. */
export function checkDisk(dir: string | undefined): Check {
  const what = "disk free";
  if (dir === undefined) return ok(what, "not seen from here: watch it on the machine of DATABASE_URL");
  const { bavail, bsize } = statfsSync(dir);
  return judgeDisk((bavail * bsize) / 2 ** 30, dir);
}

export function judgeDisk(gib: number, dir: string): Check {
  const value = `${gib.toFixed(1)} GiB beside the embedded database in ${dir}`;
  const todo = "Make room, or lower DELIVERY_KEPT_DAYS: on a full disk webhooks are answered 503.";
  if (gib < freeGib.fail) return fail("disk free", value, todo);
  return gib < freeGib.warn ? warn("disk free", value, todo) : ok("disk free", value);
}
