import { randomUUID } from "node:crypto";
import express from "express";
import { mountHealth } from "./api/routes/health.ts";
import type { Config } from "./config.ts";
import { close, listen, makeHttpServer } from "./http-server.ts";
import type { Clock } from "./kit/clock.ts";
import { Failure } from "./kit/failure.ts";
import type { Log } from "./kit/log.ts";
import { makeMetrics, type Metrics, watchProcess } from "./kit/metrics.ts";
import type { Database } from "./store/database.ts";
import { migrate } from "./store/migrate.ts";
import { startReceiver } from "./usecases/deliveries/receive-deliveries.ts";
import { startPipeline } from "./usecases/deliveries/pipeline.ts";
import { listenForDeliveries } from "./store/delivery-notices.ts";

export interface AppOptions {
  config: Config;
  database: Database;
  log: Log;
  clock: Clock;
}

export interface RunningApp {
  url: string;
  metrics: Metrics;
  /** Not ready → no new requests → those under way → the workers' rounds. The database is the caller's to end. */
  stop(): Promise<void>;
}

const requestsMs = 10_000;

/** Starts what ROLES asks for on a database that is at head, and says when it is ready. */
export async function startApp({ config, database, log, clock }: AppOptions): Promise<RunningApp> {
  await migrate(database.owner);
  const metrics = makeMetrics();
  watchProcess(metrics);
  const name = `${process.pid}-${randomUUID().slice(0, 8)}`;
  const isWorker = config.roles.includes("worker");
  let isDraining = false;

  const pipeline = isWorker
    ? startPipeline({ worker: database.worker, clock, log, metrics, name, unroutedKeptDays: config.unroutedKeptDays })
    : undefined;
  const notices = pipeline && (await listenForDeliveries(database.connection, log, () => pipeline.wake()));
  const receiver = startReceiver(database.app, clock, () => pipeline?.wake());

  const app = express();
  app.disable("x-powered-by");
  mountHealth(app, { metrics, unready: () => unready(database, isDraining) });
  const { appSecrets, verifyToken } = config.meta;
  const server = makeHttpServer(app, { appSecrets, verifyToken, record: receiver.record, clock, log, metrics });
  const url = await listen(server, config.port, config.host);
  log.info({ url, roles: config.roles }, "ready");

  return {
    url,
    metrics,
    async stop() {
      isDraining = true;
      await close(server, requestsMs);
      await receiver.stop();
      await notices?.stop();
      await pipeline?.stop();
      log.info("stopped");
    },
  };
}

async function unready(database: Database, isDraining: boolean): Promise<string | undefined> {
  if (isDraining) return "draining";
  try {
    await database.app.query("select 1");
    return undefined;
  } catch (error) {
    return error instanceof Failure ? error.message : "the database does not answer";
  }
}
