import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import type { Metrics } from "#core/kit/metrics.ts";
import { refuseUnlessMeta } from "../callers/meta.ts";

/** Meta sends up to 3 MB (whatsapp.md 4.1). */
const bodyBytesMax = 3 * 1024 * 1024;
const inFlightBytesMax = 64 * 1024 * 1024;
const waitMs = 5_000;

export interface MetaWebhookOptions {
  appSecrets: readonly string[];
  verifyToken: string;
  /** Resolves when the bytes are durable. */
  record(bytes: Uint8Array): Promise<void>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

/** GET: Meta asks whether this address is ours (whatsapp.md 4.1). */
export function answerHandshake(url: URL, response: ServerResponse, verifyToken: string): void {
  const given = Buffer.from(url.searchParams.get("hub.verify_token") ?? "");
  const wanted = Buffer.from(verifyToken);
  const isOurs = verifyToken !== "" && given.length === wanted.length && timingSafeEqual(given, wanted);
  const challenge = url.searchParams.get("hub.challenge") ?? "";
  if (url.searchParams.get("hub.mode") !== "subscribe" || !isOurs)
    return end(response, 403, "The verify token is not ours.");
  response
    .writeHead(200, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" })
    .end(challenge);
}

/**
 * POST: bytes → HMAC → durable row → 200, and nothing else. A sender that hangs up after its last byte is still
 * recorded. When too much is in flight, or the disk does not answer in time, 503 makes Meta come again.
 */
export function makeWebhookReceiver(
  options: MetaWebhookOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { record, log, metrics, appSecrets } = options;
  const outcomes = metrics.counter({
    name: "triveni_webhooks_total",
    help: "Webhooks by outcome",
    labels: ["outcome"],
  });
  let inFlightBytes = 0;

  function refuse(response: ServerResponse, outcome: string, status: number, words: string): void {
    outcomes.inc({ outcome });
    end(response, status, words);
  }

  return (request, response) => {
    const type = request.headers["content-type"] ?? "";
    const length = Number(request.headers["content-length"] ?? 0);
    if (!/^application\/json\s*(;|$)/i.test(type) || request.headers["content-encoding"]) {
      request.resume();
      return refuse(response, "content-type", 415, "Send application/json, not compressed.");
    }
    if (length > bodyBytesMax) return refuseAndClose(request, response);
    if (inFlightBytes + length > inFlightBytesMax) {
      request.resume();
      response.setHeader("retry-after", "1");
      return refuse(response, "too-much", 503, "Too much is being stored right now: send it again.");
    }

    const chunks: Buffer[] = [];
    let received = 0;
    let counted = 0;
    const forget = () => {
      inFlightBytes -= counted;
      counted = 0;
    };
    request.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received > bodyBytesMax) {
        forget();
        request.removeAllListeners("data").removeAllListeners("end");
        return refuseAndClose(request, response);
      }
      counted += chunk.length;
      inFlightBytes += chunk.length;
      chunks.push(chunk);
    });
    // Hung up before the last byte: nothing was signed, nothing is stored. Afterwards nothing is left to forget.
    request.on("error", forget);
    request.on("close", () => {
      if (!request.complete) forget();
    });
    request.on("end", () => {
      const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      const refusal = refuseUnlessMeta(request, bytes, appSecrets);
      if (refusal) {
        forget();
        return refuse(response, refusal, 401, "The signature is missing or not ours.");
      }
      const timer = setTimeout(() => refuse(response, "slow", 503, "Storing takes too long: send it again."), waitMs);
      record(bytes).then(
        () => {
          clearTimeout(timer);
          forget();
          if (response.headersSent) return;
          outcomes.inc({ outcome: "accepted" });
          response.writeHead(200, { "content-length": 0 }).end();
        },
        (error: unknown) => {
          clearTimeout(timer);
          forget();
          log.warn({ err: error }, "delivery not stored, answered 503");
          if (!response.headersSent) refuse(response, "not-stored", 503, "Storing failed: send it again.");
        },
      );
    });
  };

  function refuseAndClose(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader("connection", "close");
    refuse(response, "too-large", 413, "The body is larger than 3 MB.");
    // What is left of the body is not read: the connection ends with the answer.
    response.on("finish", () => request.destroy());
  }
}

function end(response: ServerResponse, status: number, words: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(words);
}
