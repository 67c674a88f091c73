import { type Config, loadConfig } from "#core/config.ts";
import { Failure } from "#core/kit/failure.ts";
import { makeLog } from "#core/kit/log.ts";
import { type Database, openDatabase } from "#core/store/database.ts";

/** Few: a command works beside a server that needs its connections. */
export const commandPoolMax = 2;

/** Runs a command on the database of the settings and prints the lines that it returns; a Failure is told in its words. */
export async function runCommand(work: (database: Database, config: Config) => Promise<string[]>): Promise<void> {
  try {
    const config = loadConfig();
    const { databaseUrl: url, dataDir } = config;
    const database = await openDatabase({ url, dataDir, poolMax: commandPoolMax, log: makeLog("silent") });
    try {
      for (const line of await work(database, config)) console.log(line);
    } finally {
      await database.end();
    }
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
}
