import path from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { makeLog } from "#core/kit/log.ts";
import { bootstrapServer, LOGIN } from "#core/store/bootstrap.ts";
import { startEmbedded } from "#core/store/embedded-postgres.ts";
import { migrate } from "#core/store/migrate.ts";
import { openPool } from "#core/store/pool.ts";
import { ensureRoles } from "#core/store/roles.ts";
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from "./scratch-folder.ts";

/** What a test file needs to make its own database: see database.ts. */
export interface TestServer {
  socketDir: string;
  template: string;
  /** The programs that this run is on, for tests that start a server themselves; undefined for the installed ones. */
  binaries: string | undefined;
}

declare module "vitest" {
  export interface ProvidedContext {
    postgres: TestServer;
  }
}

const TEMPLATE = "triveni_template";

/** Nothing here survives a crash, and nothing has to. */
const SETTINGS = [
  "fsync=off",
  "full_page_writes=off",
  "synchronous_commit=off",
  "autovacuum=off",
  "max_connections=200",
];

/** One server per run with one migrated template, of which every test file gets a copy. Stopped and removed at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  sweepScratchFolders();
  const binaries = testBinaries();
  const dataDir = makeScratchFolder();
  const server = await startEmbedded({ dataDir, settings: SETTINGS, binaries });
  const teardown = async () => {
    await server.stop();
    removeScratchFolder(dataDir);
  };
  try {
    await bootstrapServer(server.socketDir);
    await makeTemplate(server.socketDir);
  } catch (error) {
    await teardown();
    throw error;
  }
  project.provide("postgres", { socketDir: server.socketDir, template: TEMPLATE, binaries });
  return teardown;
}

async function makeTemplate(host: string): Promise<void> {
  const client = new pg.Client({ host, user: LOGIN, database: LOGIN });
  await client.connect();
  await client.query(`create database ${TEMPLATE}`);
  await client.end();

  const log = makeLog("silent");
  const owner = openPool({ host, user: LOGIN, database: TEMPLATE }, { name: "template", max: 2, log });
  try {
    await ensureRoles(owner);
    await migrate(owner);
  } finally {
    await owner.end();
  }
}

/** TEST_POSTGRES=15 with TEST_POSTGRES_DIR, the folder where .ci/run installed that version under the alias postgres-15. */
function testBinaries(): string | undefined {
  const major = process.env["TEST_POSTGRES"];
  if (!major) return undefined;
  const folder = process.env["TEST_POSTGRES_DIR"];
  if (!folder) throw new Error("TEST_POSTGRES is set: set TEST_POSTGRES_DIR to the folder of its npm package, too.");
  return path.resolve(folder, "node_modules", `postgres-${major}`);
}
