import pg from "pg";
import type { Log } from "#core/kit/log.ts";

const reconnectMs = 1_000;

export interface DeliveryNotices {
  stop(): Promise<void>;
}

/**
 * Wakes this process when another one has recorded deliveries. Only a shortcut: workers look by themselves too, so a
 * lost connection costs a moment of delay and is made again.
 */
export async function listenForDeliveries(
  connection: pg.PoolConfig,
  log: Log,
  wake: () => void,
): Promise<DeliveryNotices> {
  let isStopped = false;
  let client: pg.Client | undefined;

  async function connect(): Promise<void> {
    if (isStopped) return;
    const next = new pg.Client({ ...connection, application_name: "triveni notices" } as pg.ClientConfig);
    next.on("notification", wake);
    next.on("error", (error) => log.warn({ err: error }, "notices of deliveries interrupted"));
    next.on("end", () => {
      if (!isStopped) setTimeout(() => void connect().catch(() => undefined), reconnectMs).unref();
    });
    client = next;
    await next.connect();
    await next.query("listen deliveries");
    wake();
  }

  await connect();
  return {
    async stop() {
      isStopped = true;
      await client?.end().catch(() => undefined);
    },
  };
}
