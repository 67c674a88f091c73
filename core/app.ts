import { randomUUID } from "node:crypto";
import express from "express";
import { mountApi } from "./api/mount.ts";
import { mountHealth } from "./api/routes/health.ts";
import type { CrmConnector } from "./crm/connector.ts";
import { close, listen, makeHttpServer } from "./http-server.ts";
import type { Clock } from "./kit/clock.ts";
import type { Log } from "./kit/log.ts";
import { type Metrics, makeMetrics, watchProcess } from "./kit/metrics.ts";
import type { SecretKey } from "./kit/seal.ts";
import type { Database } from "./store/database.ts";
import { makePartitions } from "./store/delivery-partitions.ts";
import { migrate } from "./store/migrate.ts";
import { startReceiver } from "./usecases/deliveries/receive-deliveries.ts";
import { startWorkers } from "./workers.ts";

/** The settings that the app needs, as core/config.ts reads them. */
export interface AppConfig {
  host: string;
  port: number;
  publicUrl: string;
  roles: readonly ("web" | "worker")[];
  secretKeys: readonly SecretKey[];
  meta: { appSecrets: readonly string[]; verifyToken: string; graphUrl: string; graphVersion: string };
  hubspot?: { clientSecret: string };
  deliveryKeptDays: number;
  unroutedKeptDays: number;
  sendSettleMs: number;
}

export interface AppOptions {
  config: AppConfig;
  database: Database;
  /** By the name of their CRM; main.ts builds them, core never imports one. */
  connectors: ReadonlyMap<string, CrmConnector>;
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
const headersMs = 10_000;
/** A sender that stalls inside its body holds memory that real webhooks need. */
const bodyMs = 20_000;

/** Brings the database to head, starts what ROLES asks for, and says when it is ready. */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const { config, database, log, clock } = options;
  await migrate(database.owner);
  await makePartitions(database.owner, clock.now());
  const metrics = makeMetrics();
  watchProcess(metrics);
  const workers = config.roles.includes("worker")
    ? await startWorkers({ ...options, metrics, name: `${process.pid}-${randomUUID().slice(0, 8)}` })
    : undefined;
  const receiver = startReceiver(database.app, clock, () => workers?.wake("deliveries"));
  let isDraining = false;

  const app = express();
  app.disable("x-powered-by");
  mountHealth(app, { metrics, unready: () => unready(database, isDraining) });
  if (config.roles.includes("web"))
    mountApi(app, {
      app: database.app,
      log,
      clock,
      publicUrl: config.publicUrl,
      ...(config.hubspot && { hubspot: { clientSecrets: [config.hubspot.clientSecret] } }),
      wakeSender: () => workers?.wake("sends"),
    });
  const { appSecrets, verifyToken } = config.meta;
  const isWeb = config.roles.includes("web");
  const server = makeHttpServer(
    app,
    isWeb ? { appSecrets, verifyToken, record: receiver.record, log, metrics } : undefined,
  );
  server.headersTimeout = headersMs;
  server.requestTimeout = bodyMs;
  const url = await listen(server, config.port, config.host);
  log.info({ url, roles: config.roles }, "ready");

  return {
    url,
    metrics,
    async stop() {
      isDraining = true;
      await close(server, requestsMs);
      await receiver.stop();
      await workers?.stop();
      log.info("stopped");
    },
  };
}

async function unready(database: Database, isDraining: boolean): Promise<string | undefined> {
  if (isDraining) return "draining";
  return database.app.query("select 1").then(
    () => undefined,
    () => "the database does not answer",
  );
}
