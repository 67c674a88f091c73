import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "#core/kit/log.ts";
import type { Metrics } from "#core/kit/metrics.ts";
import { refuseUnlessMeta } from "../callers/meta.ts";
import { type InFlight, readBody } from "../read-body.ts";

/** Meta sends up to 3 MB (whatsapp.md 4.1). */
const bodyBytesMax = 3 * 1024 * 1024;
const inFlightBytesMax = 64 * 1024 * 1024;
const waitMs = 5_000;

export interface MetaWebhookOptions {
  appSecrets: readonly string[];
  verifyToken: string;
  /** Resolves when the bytes are durable. */
  record(bytes: Uint8Array): Promise<void>;
  log: Log;
  metrics: Metrics;
}

/** GET: Meta asks whether this address is ours (whatsapp.md 4.1). */
export function answerHandshake(url: URL, response: ServerResponse, verifyToken: string): void {
  const given = Buffer.from(url.searchParams.get("hub.verify_token") ?? "");
  const wanted = Buffer.from(verifyToken);
  const isOurs = verifyToken !== "" && given.length === wanted.length && timingSafeEqual(given, wanted);
  const isSubscribe = url.searchParams.get("hub.mode") === "subscribe";
  if (isOurs && isSubscribe) answer(response, 200, url.searchParams.get("hub.challenge") ?? "");
  else answer(response, 403, "The verify token is not ours.");
}

interface Outcome {
  /** Counted under this name. */
  name: string;
  status: number;
  words?: string;
}

const accepted: Outcome = { name: "accepted", status: 200 };
const tooMuch: Outcome = { name: "too-much", status: 503, words: "Too much is being stored right now: send it again." };
const tooLarge: Outcome = { name: "too-large", status: 413, words: "The body is larger than 3 MB." };
const wrongType: Outcome = { name: "content-type", status: 415, words: "Send application/json, not compressed." };
const notStored: Outcome = { name: "not-stored", status: 503, words: "Storing failed: send it again." };
const slow: Outcome = { name: "slow", status: 503, words: "Storing takes too long: send it again." };
const gone: Outcome = { name: "gone", status: 400 };

/**
 * POST: bytes → HMAC → durable row → 200, and nothing else. A sender that hangs up after its last byte is still
 * recorded. When too much is in flight, or the disk does not answer in time, 503 makes Meta come again.
 */
export function makeWebhookReceiver(
  options: MetaWebhookOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { record, log, metrics, appSecrets } = options;
  const counted = metrics.counter({ name: "triveni_webhooks_total", help: "Webhooks by outcome", labels: ["outcome"] });
  const flight: InFlight = { bytes: 0, bytesMax: inFlightBytesMax };

  async function outcomeOf(request: IncomingMessage): Promise<Outcome> {
    if (!isJson(request)) return wrongType;
    if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) return tooLarge;
    const read = await readBody(request, flight, bodyBytesMax);
    if ("problem" in read) return { "too-large": tooLarge, "too-much": tooMuch, gone }[read.problem];
    const refusal = refuseUnlessMeta(request, read.bytes, appSecrets);
    // Counted until the bytes are let go: an answer of "slow" leaves them waiting for the disk, in memory.
    const recorded = refusal ? Promise.resolve() : record(read.bytes);
    const released = recorded.finally(() => {
      flight.bytes -= read.bytes.length;
    });
    if (refusal) return { name: refusal, status: 401, words: "The signature is missing or not ours." };
    try {
      return await within(waitMs, released);
    } catch (error) {
      log.warn({ err: error }, "delivery not stored, answered 503");
      return notStored;
    }
  }

  return async (request, response) => {
    const outcome = await outcomeOf(request);
    counted.inc({ outcome: outcome.name });
    if (outcome.status === 503) response.setHeader("retry-after", "1");
    // What is left of a body that nobody reads: the connection ends with the answer.
    if (!request.complete) response.setHeader("connection", "close");
    answer(response, outcome.status, outcome.words);
  };
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "") && headers["content-encoding"] === undefined;
}

async function within(limitMs: number, recorded: Promise<void>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve(slow), limitMs);
  });
  try {
    return await Promise.race([recorded.then(() => accepted), late]);
  } finally {
    clearTimeout(timer);
  }
}

function answer(response: ServerResponse, status: number, words?: string): void {
  if (words === undefined) response.writeHead(status, { "content-length": 0 }).end();
  else
    response
      .writeHead(status, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" })
      .end(words);
}
