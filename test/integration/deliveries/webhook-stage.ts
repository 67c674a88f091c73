import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { afterAll } from "vitest";
import { type RunningApp, startApp } from "#core/app.ts";
import { readConfig } from "#core/config.ts";
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import type { TestDatabase } from "#test/support/database.ts";
import { until } from "#test/support/until.ts";

export const secrets = ["the newer secret", "the older secret"] as const;
export const verifyToken = "chosen by the operator";

/** The whole app on a database of the test file, and Meta's side of its webhook. */
export interface WebhookStage {
  url: string;
  app: RunningApp;
  /** Signed with the newer secret, unless `headers` say otherwise; a header that is undefined is left out. */
  post(body: Uint8Array | string, headers?: Record<string, string | undefined>): Promise<Response>;
  /** How often `triveni_webhooks_total` has counted an outcome. */
  counted(outcome: string): Promise<number>;
  /** The stored bytes of all deliveries, in order of arrival. */
  stored(): Promise<Buffer[]>;
  /** Reasons of what was parked, in order. */
  parked(): Promise<string[]>;
  /** Until everything recorded was routed, and applied or parked. */
  settled(): Promise<void>;
}

export async function startWebhookStage(
  database: TestDatabase,
  appSecrets: readonly string[] = secrets,
): Promise<WebhookStage> {
  const config = readConfig({
    PORT: "0",
    PUBLIC_URL: "http://127.0.0.1",
    SECRET_KEYS: Buffer.alloc(32, 7).toString("base64"),
    META_APP_ID: "test",
    META_APP_SECRET: "replaced below",
    META_VERIFY_TOKEN: verifyToken,
    META_GRAPH_URL: "http://127.0.0.1:9",
    LOG_LEVEL: "silent",
  });
  const app = await startApp({
    config: { ...config, meta: { ...config.meta, appSecrets } },
    database: { ...database, end: async () => {} },
    connectors: new Map(),
    log: makeLog("silent"),
    clock: systemClock,
  });
  afterAll(() => app.stop());
  const { owner } = database;

  return {
    url: app.url,
    app,
    post(body, headers = {}) {
      const given = { "content-type": "application/json", "x-hub-signature-256": signatureOf(body), ...headers };
      const kept = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
      return fetch(`${app.url}/webhooks/meta`, { method: "POST", body: Buffer.from(body), headers: kept });
    },
    async counted(outcome) {
      const metric = await app.metrics.registry.getSingleMetric("triveni_webhooks_total")?.get();
      return metric?.values.find(({ labels }) => labels["outcome"] === outcome)?.value ?? 0;
    },
    async stored() {
      const { rows } = await owner.query<{ payload: Buffer }>("select payload from delivery order by received_at, id");
      return rows.map(({ payload }) => payload);
    },
    async parked() {
      const { rows } = await owner.query<{ reason: string }>("select reason from parked_item order by id");
      return rows.map(({ reason }) => reason);
    },
    settled: () =>
      until(async () => {
        const { rows } = await owner.query(`
          select from delivery_writer w join delivery d on d.id > w.routed_through and d.id >> 32 = w.id
          union all select from lane_item limit 1`);
        return rows.length === 0;
      }),
  };
}

export function signatureOf(body: Uint8Array | string, secret: string = secrets[0]): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** The head of a POST as it goes over the wire; `more` replaces or adds headers. */
export function headOf(body: Uint8Array | string, more: Record<string, string> = {}): string {
  const length = String(Buffer.byteLength(body));
  const headers = {
    host: "triveni",
    "content-type": "application/json",
    "content-length": length,
    "x-hub-signature-256": signatureOf(body),
    ...more,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== "");
  return `POST /webhooks/meta HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Writes parts one after another on a socket of its own and returns all that was answered until somebody hung up. */
export function overTheWire(
  url: string,
  parts: readonly (string | Uint8Array)[],
  given?: AbortSignal,
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(port), hostname);
    socket.setEncoding("latin1").on("data", (text) => {
      answer += text;
      // Answered: whatever comes after it belongs to a connection that we do not need.
      if (/^HTTP\/1\.1 [2-5]\d\d/.test(answer) && answer.includes("\r\n\r\n")) socket.end();
    });
    given?.addEventListener("abort", () => socket.destroy());
    // A server that refuses may hang up while we still write.
    socket.on("error", () => undefined).on("close", () => resolve(answer));
    for (const part of parts) socket.write(part);
  });
}

/** Writes the parts and hangs up once the operating system has them all. */
export function hangUpAfter(
  url: string,
  parts: readonly (string | Uint8Array)[],
  how: "close" | "reset",
): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.on("error", reject).on("close", () => resolve());
    socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))), () => {
      if (how === "close") socket.destroy();
      else socket.resetAndDestroy();
    });
  });
}
