// npm run doctor: is this Triveni well? One line a check, with what to do; exit code 1 when one of them says FAIL.
import { type Config, loadConfig } from "#core/config.ts";
import { systemClock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { makeLog } from "#core/kit/log.ts";
import { type Database, openDatabase } from "#core/store/database.ts";
import { embeddedHome } from "#core/store/embedded-home.ts";
import { inTransaction, type Tx } from "#core/store/transaction.ts";
import { type Check, fail, lineOf, ok, warn } from "./doctor/check.ts";
import { checkParked, checkPartitions, checkUnrouted, checkWaiting, checkWriters } from "./doctor/record.ts";
import * as server from "./doctor/server.ts";
import { checkCrmWrites, checkSends, checkSkeletons, checkWorkers } from "./doctor/work.ts";
import { commandPoolMax } from "./run-command.ts";
import { withoutValues } from "./without-values.ts";

/** A look may scan a large table; longer than this it is given up and said so. */
const lookMs = 15_000;

export interface Patient {
  database: Pick<Database, "owner" | "app">;
  now: Date;
  deliveryKeptDays: number;
  /** Folder of the embedded database; undefined with DATABASE_URL. */
  embeddedDir: string | undefined;
}

/** Every look at the database, in the order in which a person would ask. Changes nothing. */
export async function examine({ database: { owner, app }, now, ...rest }: Patient): Promise<Check[]> {
  const inOwner = (look: (tx: Tx) => Promise<Check | Check[]>) => () =>
    inTransaction(owner, async (tx) => {
      await tx.query(`set transaction read only; set local statement_timeout = ${lookMs}`);
      return look(tx);
    });
  const aboutServer = await allOf({
    "server version": () => server.checkVersion(app),
    durability: () => server.checkDurability(app),
    roles: () => server.checkRoles(owner),
    "row-level security": () => server.checkRowSecurity(owner),
    migrations: () => server.checkMigrations(owner),
    "disk free": async () => server.checkDisk(rest.embeddedDir),
  });
  // Without its tables every other question would only repeat that they are missing.
  if (aboutServer.some(({ what, level }) => what === "migrations" && level === "FAIL")) return aboutServer;

  const aboutWork = await allOf({
    workers: inOwner((tx) => checkWorkers(tx, now)),
    partitions: inOwner((tx) => checkPartitions(tx, now)),
    "deliveries waiting": inOwner((tx) => checkWaiting(tx, now)),
    "parked items": inOwner((tx) => checkParked(tx, rest.deliveryKeptDays)),
    "changes of unknown numbers": inOwner(checkUnrouted),
    "delivery writers": inOwner((tx) => checkWriters(tx, now)),
    "messages never received": inOwner((tx) => checkSkeletons(tx, now)),
    "sends not confirmed": inOwner((tx) => checkSends(tx, now)),
    "CRM writes refused": inOwner(checkCrmWrites),
  });
  return [...aboutServer, ...aboutWork];
}

async function allOf(looks: Record<string, () => Promise<Check | Check[]>>): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [what, look] of Object.entries(looks))
    try {
      checks.push(...[await look()].flat());
    } catch (error) {
      const reason = withoutValues(error instanceof Error ? error.message : String(error));
      checks.push(fail(what, `could not be looked at (${reason})`, "Run doctor again; else report this line."));
    }
  return checks;
}

export function checkSettings(config: Config): Check[] {
  const { roles, databaseUrl, hubspot } = config;
  const database = databaseUrl === undefined ? "embedded database" : "database of DATABASE_URL";
  return [
    ok("settings", `complete; roles ${roles.join(" and ")}, ${database}`),
    hubspot
      ? ok("HubSpot connector", "on")
      : warn("HubSpot connector", "off", "Set HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET, if you use HubSpot."),
  ];
}

/** A line for each problem: `readConfig` lists them all in one message. */
export function settingsProblems(failure: Failure): Check[] {
  const [, ...problems] = failure.message.split("\n- ");
  const todo = ".env.example explains each setting; the database is looked at once they are right.";
  return (problems.length > 0 ? problems : [failure.message]).map((problem) =>
    fail("settings", problem.replace(/\.$/, ""), todo),
  );
}

async function checkAll(): Promise<Check[]> {
  let config: Config;
  try {
    config = loadConfig();
  } catch (error) {
    if (error instanceof Failure) return settingsProblems(error);
    throw error;
  }
  return [...checkSettings(config), ...(await checkDatabase(config))];
}

async function checkDatabase({ databaseUrl: url, dataDir, deliveryKeptDays }: Config): Promise<Check[]> {
  let database: Database;
  try {
    database = await openDatabase({ url, dataDir, poolMax: commandPoolMax, log: makeLog("silent") });
  } catch (error) {
    const reason = error instanceof Failure ? error.message : withoutValues((error as Error).message);
    return [fail("database", reason.replace(/\.$/, ""), "Nothing else can be looked at before.")];
  }
  try {
    const embeddedDir = database.embedded && embeddedHome(dataDir);
    const checks = await examine({ database, now: systemClock.now(), deliveryKeptDays, embeddedDir });
    return [ok("database", "answers"), ...checks];
  } finally {
    // Leaves an embedded server to the others that use it, and stops one that only ran for us.
    await database.end();
  }
}

if (import.meta.main) {
  const checks = await checkAll();
  for (const check of checks) console.log(lineOf(check));
  const failed = checks.filter(({ level }) => level === "FAIL").length;
  console.log(failed === 0 ? "Nothing is broken." : `${failed} of ${checks.length} checks failed.`);
  process.exitCode = failed === 0 ? 0 : 1;
}
