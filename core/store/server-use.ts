import pg from "pg";
import { sql } from "./sql.ts";

const CONNECT_MS = 10_000;

/** Key of the advisory lock "embedded server in use"; any fixed number would do. */
const IN_USE = 7_483_021;

/**
 * Who may stop an embedded server that several processes share (the service, a second worker, `doctor`): the last to leave.
 * Each holds the lock shared for as long as it runs; whoever gets it exclusively is alone. A killed process loses it with its session.
 */
export interface ServerUse {
  /** Says that we use the server; again after the server was restarted. Tells whether nobody else does. */
  join(): Promise<{ alone: boolean }>;
  /** Gives our use back. True: we were the last and now hold the lock exclusively, so it is ours to stop the server. */
  leave(): Promise<boolean>;
  /** Closes the session, and with it the lock: after the server was stopped, or left to others. */
  close(): Promise<void>;
}

export function serverUse(connection: pg.ClientConfig): ServerUse {
  let session: pg.Client | undefined;

  async function tryExclusive(client: pg.Client): Promise<boolean> {
    const { rows } = await client.query<{ got: boolean }>(sql`select pg_try_advisory_lock(${IN_USE}) as got`);
    return rows[0]?.got ?? false;
  }

  async function close(): Promise<void> {
    const client = session;
    session = undefined;
    await client?.end().catch(() => {}); // Its server may have gone first, and that is as closed as it gets.
  }

  return {
    async join() {
      await close();
      const client = new pg.Client({
        ...connection,
        application_name: "triveni use",
        connectionTimeoutMillis: CONNECT_MS,
      });
      client.on("error", () => {}); // The watcher sees a lost server; without a listener Node would end.
      await client.connect();
      session = client;
      const alone = await tryExclusive(client);
      // Waits while another process is stopping the server, and then fails with its connection: start again.
      await client.query(sql`select pg_advisory_lock_shared(${IN_USE})`);
      if (alone) await client.query(sql`select pg_advisory_unlock(${IN_USE})`);
      return { alone };
    },
    async leave() {
      if (session === undefined) return false;
      try {
        // First give back, then ask: of two that leave at once, the second finds itself alone.
        await session.query(sql`select pg_advisory_unlock_shared(${IN_USE})`);
        return await tryExclusive(session);
      } catch {
        // The server is gone, so there is nothing left to stop.
        return false;
      }
    },
    close,
  };
}
