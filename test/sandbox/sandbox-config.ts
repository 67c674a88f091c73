import { randomBytes } from "node:crypto";
import { type Config, readConfig } from "#core/config.ts";

/** Settings of a Triveni that is thrown away: any free port, secrets of its own, nobody outside to talk to. */
export function sandboxConfig(dataDir: string): Config {
  return readConfig({
    PORT: "0",
    PUBLIC_URL: "http://127.0.0.1",
    DATA_DIR: dataDir,
    SECRET_KEYS: randomBytes(32).toString("base64"),
    META_APP_ID: "sandbox",
    META_APP_SECRET: randomBytes(16).toString("hex"),
    META_VERIFY_TOKEN: randomBytes(16).toString("hex"),
    META_GRAPH_URL: "http://127.0.0.1:9",
    LOG_LEVEL: "error",
  });
}
