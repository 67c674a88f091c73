import type pg from "pg";
import type { Log } from "#core/kit/log.ts";
import { bootstrapServer, LOGIN } from "./bootstrap.ts";
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from "./embedded-postgres.ts";
import { keepRunning } from "./keep-running.ts";
import { isTransient } from "./postgres-errors.ts";
import { type ServerUse, serverUse } from "./server-use.ts";

/** Each try that fails met another process that was just stopping the server. */
const OPEN_TRIES_MAX = 5;

export interface EmbeddedDatabase {
  connection: pg.PoolConfig;
  /** The server as it runs now: another one after a restart. */
  server(): EmbeddedPostgres;
  /** Stops watching; stops the server too, unless another process uses it. */
  end(): Promise<void>;
}

/** Starts or takes over our own PostgreSQL with its database, and keeps it running until `end`. */
export async function openEmbeddedDatabase(options: EmbeddedOptions, log: Log): Promise<EmbeddedDatabase> {
  const { first, use, alone, connection } = await startAndJoin(options);
  tellHowFound(first, alone, log);

  const keeper = keepRunning({
    first,
    log,
    async start() {
      const again = await startEmbedded(options);
      await use.join();
      return again;
    },
  });
  return {
    connection,
    server: keeper.current,
    async end() {
      await keeper.stop();
      if (await use.leave()) await keeper.current().stop();
      await use.close();
    },
  };
}

interface Joined {
  first: EmbeddedPostgres;
  use: ServerUse;
  alone: boolean;
  connection: pg.PoolConfig;
}

async function startAndJoin(options: EmbeddedOptions): Promise<Joined> {
  for (let tries = 1; ; tries++) {
    const first = await startEmbedded(options);
    const connection = { host: first.socketDir, user: LOGIN, database: LOGIN };
    const use = serverUse(connection);
    try {
      await bootstrapServer(first.socketDir);
      const { alone } = await use.join();
      return { first, use, alone, connection };
    } catch (error) {
      await use.close();
      if (!isTransient(error) || tries === OPEN_TRIES_MAX) throw error;
    }
  }
}

function tellHowFound({ pid, adopted, recovered }: EmbeddedPostgres, alone: boolean, log: Log): void {
  if (recovered) log.warn({ postgresPid: pid }, "recovered PostgreSQL after a crash of an earlier run");
  else if (adopted && alone)
    log.warn({ postgresPid: pid }, `took over the PostgreSQL (pid ${pid}) that an earlier run left`);
  else if (adopted)
    log.info({ postgresPid: pid }, `uses the PostgreSQL (pid ${pid}) that another process of Triveni runs`);
}
