import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startApp } from "#core/app.ts";
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { openDatabase } from "#core/store/database.ts";
import type { ReplayTarget } from "./replay-folder.ts";
import { sandboxConfig } from "./sandbox-config.ts";

export interface ReplaySandbox extends ReplayTarget {
  /** Stops everything and removes its folder. */
  stop(): Promise<void>;
}

/** Nothing here survives a crash, and nothing has to. */
const SETTINGS = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];

/** The real app with its workers on a database of its own in a folder that is thrown away. */
export async function startReplaySandbox(): Promise<ReplaySandbox> {
  const dataDir = mkdtempSync(path.join(tmpdir(), "triveni-replay-"));
  // As root PostgreSQL runs as another user, who has to pass through.
  if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
  const remove = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  const log = makeLog("error");
  try {
    const database = await openDatabase({ dataDir, settings: SETTINGS, log });
    const config = sandboxConfig(dataDir);
    const app = await startApp({ config, database, connectors: new Map(), log, clock: systemClock });
    return {
      url: app.url,
      appSecret: config.meta.appSecrets[0] as string,
      owner: database.owner,
      async stop() {
        await app.stop();
        await database.end();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
