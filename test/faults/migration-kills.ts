import { type Stage, seen } from "./stage.ts";

/** The first statement of migration 1: what a session says while it runs. */
const migrating = "create function protect_tenant_table";

const startMs = 15_000;
/** A session outlives its killed process until its statement ends. */
const goneMs = 10_000;

/** An empty database whose first migration is killed: by its process, by another process's, and by the database. */
export async function killWhileMigrating(stage: Stage): Promise<void> {
  const { server, worker, database } = stage;
  for (const victim of [server, worker]) {
    victim.start();
    await killAt(stage, [victim.name], () => victim.halt());
    victim.halt();
    await seen(async () => (victim.pid === undefined && !(await isMigrating(stage)) ? true : undefined), goneMs);
  }
  server.start();
  worker.start();
  await killAt(stage, ["database"], () => database.kill("all"));
  await database.restart();
}

async function killAt(stage: Stage, victims: readonly string[], kill: () => Promise<void> | boolean): Promise<void> {
  const { tally, tell } = stage;
  const met = await seen(async () => {
    if (!(await isMigrating(stage))) return undefined;
    await kill();
    return true;
  }, startMs);
  if (met) tally.record("while migrating", victims);
  tell(`while migrating: ${victims.join(" + ")}${met ? "" : " (gap not met)"}`);
  if (!met) tally.missed.push(`while migrating (${victims.join(" + ")})`);
}

async function isMigrating({ owner }: Stage): Promise<boolean> {
  const rows = await owner.ask(
    "select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and position($1 in query) > 0 limit 1",
    [migrating],
  );
  return rows.length > 0;
}
