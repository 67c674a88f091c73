import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import path from "node:path";
import { hubspotConnector } from "#connectors/hubspot/connector.ts";
import { type RunningApp, startApp } from "#core/app.ts";
import { type Config, readConfig } from "#core/config.ts";
import { systemClock } from "#core/kit/clock.ts";
import { readOrMakeKeyFile } from "#core/kit/key-file.ts";
import { makeLog } from "#core/kit/log.ts";
import { sealer } from "#core/kit/seal.ts";
import { type Database, openDatabase } from "#core/store/database.ts";
import { migrate } from "#core/store/migrate.ts";
import { type HubspotSimulator, startHubspotSimulator } from "./hubspot/simulator.ts";
import { type MetaSimulator, startMetaSimulator } from "./meta/simulator.ts";
import { makeSampleBusiness, type SampleBusiness } from "./sample-business.ts";

/** The whole of Triveni with simulators around it. */
export interface Stage {
  app: RunningApp;
  database: Database;
  meta: MetaSimulator;
  hubspot: HubspotSimulator;
  business: SampleBusiness;
  stop(): Promise<void>;
}

export interface StageOptions {
  dataDir: string;
  /** 0: any free ones. The simulators take the two ports behind it. */
  port: number;
}

export async function startStage({ dataDir, port: wanted }: StageOptions): Promise<Stage> {
  const port = wanted === 0 ? await freePort() : wanted;
  const portOf = (offset: number) => (wanted === 0 ? 0 : port + offset);
  const appSecret = randomBytes(16).toString("hex");
  const meta = await startMetaSimulator({ appSecret, port: portOf(1) });
  const hubspot = await startHubspotSimulator({ port: portOf(2) });
  const config = settings({ port, dataDir, appSecret, metaUrl: meta.url, hubspot });

  const log = makeLog(config.logLevel);
  const database = await openDatabase({ dataDir: config.dataDir, log });
  await migrate(database.owner);
  const business = await makeSampleBusiness(database, sealer(config.secretKeys));
  meta.addNumber(business);
  meta.subscribe(`${config.publicUrl}/webhooks/meta`);
  hubspot.addPortal({ hubId: business.portalId });

  const { hubspot: given } = config;
  const connector = given && hubspotConnector({ ...given, baseUrl: given.apiUrl });
  const connectors = new Map(connector && [["hubspot", connector]]);
  const app = await startApp({ config, database, connectors, log, clock: systemClock });
  return {
    ...{ app, database, meta, hubspot, business },
    async stop() {
      await meta.close();
      await app.stop();
      await hubspot.close();
      await database.end();
    },
  };
}

interface Wiring {
  port: number;
  dataDir: string;
  appSecret: string;
  metaUrl: string;
  hubspot: HubspotSimulator;
}

/** Nothing is switched off: what the simulators send is signed and verified as the real thing would be. */
function settings({ port, dataDir, appSecret, metaUrl, hubspot }: Wiring): Config {
  return readConfig({
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: dataDir,
    SECRET_KEYS: readOrMakeKeyFile(path.join(dataDir, "secret-keys")),
    META_APP_ID: "sandbox",
    META_APP_SECRET: appSecret,
    META_VERIFY_TOKEN: randomBytes(16).toString("hex"),
    META_GRAPH_URL: metaUrl,
    HUBSPOT_CLIENT_ID: hubspot.app.clientId,
    HUBSPOT_CLIENT_SECRET: hubspot.app.clientSecret,
    HUBSPOT_API_URL: hubspot.url,
    LOG_LEVEL: process.env["LOG_LEVEL"] ?? "warn",
  });
}

/** HubSpot signs our public address, so the port must be known before the server starts. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No free port.");
  return address.port;
}
