import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type pg from "pg";
import { hmacSha256Hex } from "#core/kit/signature.ts";
import { connectUnseen } from "./connect-unseen.ts";
import { type DeliveryOutcome, newDeliveries, outcomeOf, untilApplied } from "./delivery-outcome.ts";
import { effects } from "./effects.ts";
import { readStoreRows, readTables } from "./store-rows.ts";
import { readWebhookBody } from "./webhook-body.ts";

/** A running Triveni to post to, and its database to look into. */
export interface ReplayTarget {
  url: string;
  appSecret: string;
  owner: pg.Pool;
}

export interface ReplayedFile {
  file: string;
  effects: string[];
  outcome: DeliveryOutcome;
}

/** What replay itself writes to connect a number: no effect of a delivery. */
const CONNECTION_TABLES = ["workspace", "waba", "business_number"] as const;

const APPLY_DEADLINE_MS = 15_000;
const POST_MS = 10_000;

/** Bodies of webhooks; `api-*` and `es-*` are answers of the Graph API and messages of Embedded Signup. */
export function webhookFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json") && !/^(api|es)-/.test(name) && name !== "expected-effects.json")
    .sort();
}

/** Posts every webhook body of a folder in the order of names, each one after the one before has been applied. */
export async function* replayFolder(target: ReplayTarget, folder: string): AsyncGenerator<ReplayedFile> {
  let store = await readStoreRows(target.owner);
  const deliveries = new Set(await newDeliveries(target.owner, new Set()));
  for (const file of webhookFiles(folder)) {
    const bytes = readFileSync(path.join(folder, file));
    const body = readWebhookBody(bytes);
    await connectUnseen(target.owner, body);
    store = { ...store, ...(await readTables(target.owner, CONNECTION_TABLES)) };

    await post(target, file, bytes);
    const [deliveryId] = await newDeliveries(target.owner, deliveries);
    if (deliveryId !== undefined) {
      deliveries.add(deliveryId);
      await untilApplied(target.owner, deliveryId, APPLY_DEADLINE_MS);
    }
    const outcome = await outcomeOf(target.owner, deliveryId, body.changes);
    const after = await readStoreRows(target.owner);
    yield { file, effects: effects(store, after), outcome };
    store = after;
  }
}

async function post({ url, appSecret }: ReplayTarget, file: string, bytes: Buffer): Promise<void> {
  const signature = `sha256=${hmacSha256Hex(appSecret, bytes)}`;
  const response = await fetch(new URL("/webhooks/meta", url), {
    method: "POST",
    headers: { "content-type": "application/json", "x-hub-signature-256": signature },
    body: new Uint8Array(bytes),
    signal: AbortSignal.timeout(POST_MS),
  });
  if (response.status === 200) return;
  throw new Error(`${file}: the webhook was answered ${response.status} (${await response.text()}), not 200.`);
}
