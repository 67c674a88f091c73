import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { bootstrapServer, LOGIN } from "#core/store/bootstrap.ts";
import { type EmbeddedPostgres, startEmbedded } from "#core/store/embedded-postgres.ts";
import { killIfThere, processesIn } from "./scratch.ts";

export interface DatabaseServer {
  /** DATABASE_URL of a process; the name is how its connections are told apart in pg_stat_activity. */
  urlOf(processName: string): string;
  connection: pg.ClientConfig;
  /** kill -9 of the postmaster, or of all its processes in the same moment. */
  kill(whom: "postmaster" | "all"): Promise<void>;
  /** kill -9 of one backend of a process of ours: PostgreSQL then ends all others and recovers by itself. */
  killBackend(pid: number): void;
  restart(): Promise<void>;
}

/** A database server of the harness's own, with the settings of production, that dies and rises apart from Triveni. */
export async function startDatabaseServer(dataDir: string): Promise<DatabaseServer> {
  let server: EmbeddedPostgres = await startEmbedded({ dataDir });
  await bootstrapServer(server.socketDir);
  const host = encodeURIComponent(server.socketDir);
  return {
    urlOf: (name) => `postgres://${LOGIN}@localhost/${LOGIN}?host=${host}&application_name=${name}`,
    connection: { host: server.socketDir, user: LOGIN, database: LOGIN, application_name: `faults ${randomUUID()}` },
    async kill(whom) {
      const all = whom === "all" ? processesIn(dataDir) : [];
      for (const pid of [server.pid, ...all]) killIfThere(pid);
      await server.gone();
    },
    killBackend: killIfThere,
    async restart() {
      server = await startEmbedded({ dataDir });
    },
  };
}

/** The eye and the hands of the harness inside the database: the owner's, over connections that may die at any time. */
export interface Owner {
  /** Rows of a statement; tries again until `deadlineMs` while the database is away. */
  ask<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Holds a lock of one statement in a transaction of its own; the returned function lets go. */
  hold(statement: string): Promise<() => Promise<void>>;
  end(): Promise<void>;
}

const askMs = 30_000;
const againMs = 50;
const connectMs = 5_000;

export function makeOwner(connection: pg.ClientConfig): Owner {
  let client: pg.Client | undefined;

  async function connectedOnce(): Promise<pg.Client> {
    const made = new pg.Client({ ...connection, connectionTimeoutMillis: connectMs });
    // The query that was running rejects as well; without a listener Node would end.
    made.on("error", () => {});
    try {
      await made.connect();
      return made;
    } catch (error) {
      made.end().catch(() => {});
      throw error;
    }
  }

  return {
    ask: <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      untilAnswered(async () => {
        client ??= await connectedOnce();
        try {
          return (await client.query<Row>(text, values)).rows;
        } catch (error) {
          client.end().catch(() => {});
          client = undefined;
          throw error;
        }
      }),
    hold: (statement) =>
      untilAnswered(async () => {
        const holder = await connectedOnce();
        const letGo = async () => void (await holder.end().catch(() => {}));
        try {
          await holder.query("begin");
          await holder.query(statement);
          return letGo;
        } catch (error) {
          await letGo();
          throw error;
        }
      }),
    async end() {
      await client?.end().catch(() => {});
      client = undefined;
    },
  };
}

/** Tries again while the database is away. */
async function untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + askMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline || isOurMistake(error)) throw error;
      await sleep(againMs);
    }
  }
}

/** A statement that is wrong stays wrong, however long the database is asked. */
function isOurMistake(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(22|23|42)/.test(error.code ?? "");
}
