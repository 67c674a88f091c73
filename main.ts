import { hubspotConnector } from "#connectors/hubspot/connector.ts";
import { startApp } from "#core/app.ts";
import { type Config, loadConfig } from "#core/config.ts";
import type { CrmConnector } from "#core/crm/connector.ts";
import { systemClock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { makeLog } from "#core/kit/log.ts";
import { openDatabase } from "#core/store/database.ts";

/** The only file that sees both core and connectors. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = makeLog(config.logLevel);
  const database = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir, log });
  const app = await startApp({ config, database, connectors: connectorsOf(config), log, clock: systemClock });

  let isStopping = false;
  const stop = async (signal: string) => {
    // Somebody insists: what is under way is safe in the database, so leaving at once loses nothing.
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal }, "stopping; a second signal exits at once");
    try {
      await app.stop();
    } finally {
      await database.end();
      process.exit(0);
    }
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
}

/** A connector without its settings is off, and its installs wait. */
function connectorsOf({ hubspot }: Config): Map<string, CrmConnector> {
  const connectors = new Map<string, CrmConnector>();
  if (hubspot) connectors.set("hubspot", hubspotConnector({ ...hubspot, baseUrl: hubspot.apiUrl }));
  return connectors;
}

main().catch((error: unknown) => {
  // A Failure is written for the person who started us; anything else is ours to find, with its stack.
  process.stderr.write(`${error instanceof Failure ? error.message : (error as Error).stack}\n`);
  process.exit(1);
});
