// `npm run sandbox`: Triveni with simulators of Meta and HubSpot around it. `-- --once` plays the main job without a person.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { makeEntryLink } from "#core/usecases/console-sessions/console-sessions.ts";
import { playFirstLight } from "./first-light.ts";
import { type Stage, startStage } from "./stage.ts";

const ONCE_MS_MAX = 120_000;

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function once(): Promise<number> {
  const startedMs = performance.now();
  const dataDir = mkdtempSync(path.join(tmpdir(), "triveni-sandbox-"));
  // As root PostgreSQL runs as another user, who has to pass through.
  if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
  const overdue = setTimeout(() => {
    tell(`FAIL First light took more than ${ONCE_MS_MAX / 1000} s.`);
    process.exit(1);
  }, ONCE_MS_MAX);
  try {
    const stage = await startStage({ dataDir, port: 0 });
    tell(
      `ok   ${String(Math.round(performance.now() - startedMs)).padStart(6)} ms  simulators, database and server are up`,
    );
    const isWell = await playFirstLight(stage, tell);
    await stage.stop();
    tell(
      `${isWell ? "First light" : "No first light"} after ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`,
    );
    return isWell ? 0 : 1;
  } finally {
    clearTimeout(overdue);
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function stay(): Promise<void> {
  const dataDir = path.resolve(process.env["DATA_DIR"] ?? ".triveni/sandbox");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  tell(`Starting Triveni with simulators of Meta and HubSpot; data lies in ${dataDir}.`);
  const starting = startStage({ dataDir, port: Number(process.env["PORT"] ?? 3000) });

  // Heard from the beginning: a database that is only just starting is stopped in order, too.
  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    await (await starting).stop();
    process.exit(0);
  };
  process.on("SIGINT", () => void stop());
  process.on("SIGTERM", () => void stop());
  await describe(await starting);
}

/** A customer has written before anybody looks, so that there is something to see. */
async function describe({ app, meta, hubspot, business, database }: Stage): Promise<void> {
  const { phoneNumberId, portalId, workspaceId } = business;
  const from = { phone: "919845000117", bsuid: "IN.2081978700112233", name: "Asha Menon" };
  meta.inbound({ phoneNumberId, from, text: "Hi, is the 2BHK in Whitefield still available?" });
  const contacts = hubspot.portals.get(portalId)?.contacts ?? [];
  while (contacts.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const link = await makeEntryLink(
    { app: database.app, clock: systemClock },
    { workspaceId, agent: "owner", publicUrl: app.url },
  );
  const customer = JSON.stringify({ phoneNumberId, from, text: "Hello again" });
  tell(`
Triveni runs at        ${app.url}
1. Sign in (once)      ${link}
2. Open the record     ${app.url}/console/record/hubspot/contact/${contacts[0]?.id}
Simulator of Meta      ${meta.url}/_sim/state
Simulator of HubSpot   ${hubspot.url}/_sim/state
To write as the customer:
  curl -X POST ${meta.url}/_sim/inbound -d '${customer}'
Ctrl+C stops everything.`);
}

try {
  if (process.argv.includes("--once")) process.exit(await once());
  await stay();
} catch (error) {
  // A Failure is written for whoever started us; anything else is ours to find, with its stack.
  tell(error instanceof Failure ? error.message : String((error as Error).stack));
  process.exit(1);
}
