import { existsSync } from "node:fs";
import path from "node:path";
import { Failure } from "#core/kit/failure.ts";
import { readOrMakeKeyFile } from "#core/kit/key-file.ts";
import type { LogLevel } from "#core/kit/log.ts";
import type { SecretKey } from "#core/kit/seal.ts";
import { type ProcessRole, SecretKeys, Settings } from "./settings.ts";

/** What `npm start` was told, parsed. Everything below is given values from it and never looks at the environment. */
export interface Config {
  host: string;
  port: number;
  /** Without a slash at its end. */
  publicUrl: string;
  roles: readonly ProcessRole[];
  /** Absent: our own PostgreSQL under `dataDir`. */
  databaseUrl?: string;
  dataDir: string;
  /** Newest first. */
  secretKeys: readonly SecretKey[];
  meta: { appId: string; appSecrets: readonly string[]; verifyToken: string; graphUrl: string; graphVersion: string };
  /** Absent: the HubSpot connector is off. */
  hubspot?: { clientId: string; clientSecret: string; apiUrl: string };
  deliveryKeptDays: number;
  unroutedKeptDays: number;
  sendSettleMs: number;
  logLevel: LogLevel;
}

/** The settings of this process: its environment, and a file `.env` in the folder that it was started in. */
export function loadConfig(): Config {
  // What the environment already names wins over the file.
  if (existsSync(".env")) process.loadEnvFile(".env");
  return withEmbeddedKeys(readConfig(process.env));
}

/** Pure. Throws one Failure that lists every missing and wrong setting, each with what to do about it. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const parsed = Settings.safeParse(withoutEmpty(env));
  if (parsed.success) return configOf(parsed.data);

  const problems = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    // An empty line of .env was seen by its writer: "not set" would send them looking elsewhere.
    return `\n- ${name} ${env[name] === undefined ? issue.message : issue.message.replace(/^is not set/, "is empty")}`;
  });
  const count = problems.length === 1 ? "1 setting is" : `${problems.length} settings are`;
  const message = `${count} missing or wrong (.env.example explains each):${problems.join("")}`;
  throw new Failure("invalid", "config.invalid", message);
}

/** With our own PostgreSQL the keys make themselves, in a file of their own: a copy of the data alone opens no secret. */
function withEmbeddedKeys(config: Config): Config {
  if (config.secretKeys.length > 0) return config;
  const file = path.join(config.dataDir, "secret-keys");
  const keys = SecretKeys.safeParse(readOrMakeKeyFile(file));
  if (keys.success) return { ...config, secretKeys: keys.data };
  throw new Failure("invalid", "config.secret_keys", `${file} ${keys.error.issues[0]?.message}`);
}

function withoutEmpty(env: Record<string, string | undefined>): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]) => {
    const text = value?.trim() ?? "";
    return text === "" ? [] : [[name, text] as const];
  });
  return Object.fromEntries(entries);
}

function configOf(settings: Settings): Config {
  const { DATABASE_URL: databaseUrl, HUBSPOT_CLIENT_ID: clientId, HUBSPOT_CLIENT_SECRET: clientSecret } = settings;
  const hubspot = clientId && clientSecret && { clientId, clientSecret, apiUrl: settings.HUBSPOT_API_URL };
  return {
    host: settings.HOST,
    port: settings.PORT,
    publicUrl: settings.PUBLIC_URL,
    roles: settings.ROLES,
    ...(databaseUrl !== undefined && { databaseUrl }),
    dataDir: path.resolve(settings.DATA_DIR),
    secretKeys: settings.SECRET_KEYS,
    meta: {
      appId: settings.META_APP_ID,
      appSecrets: settings.META_APP_SECRET,
      verifyToken: settings.META_VERIFY_TOKEN,
      graphUrl: settings.META_GRAPH_URL,
      graphVersion: settings.META_GRAPH_VERSION,
    },
    ...(hubspot && { hubspot }),
    deliveryKeptDays: settings.DELIVERY_KEPT_DAYS,
    unroutedKeptDays: settings.UNROUTED_KEPT_DAYS,
    sendSettleMs: settings.SEND_SETTLE_MINUTES * 60_000,
    logLevel: settings.LOG_LEVEL,
  };
}
