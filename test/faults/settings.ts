import { randomBytes } from "node:crypto";
import { createServer } from "node:net";

/** Settings of a process as an operator would write them, with one app secret and keys for the whole run. */
export function makeSettings(): { secret: string; of(more: Record<string, string>): Record<string, string> } {
  const secret = randomBytes(16).toString("hex");
  const shared = {
    PUBLIC_URL: "http://127.0.0.1",
    SECRET_KEYS: randomBytes(32).toString("base64"),
    META_APP_ID: "faults",
    META_APP_SECRET: secret,
    META_VERIFY_TOKEN: randomBytes(16).toString("hex"),
    META_GRAPH_URL: "http://127.0.0.1:9",
    LOG_LEVEL: "info",
  };
  return { secret, of: (more) => ({ ...shared, ...more }) };
}

/** A port that is free now: a restarted process must come back at the same address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No port was given.");
  return address.port;
}
