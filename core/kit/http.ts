import { Failure } from "./failure.ts";

export interface FetchLimits {
  /** For the whole exchange, the reading of the body included. */
  timeoutMs: number;
  responseBytesMax: number;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** The request left us and its answer never came: the other side may have acted on it. */
const OUTCOME_UNKNOWN = new Set(["http.timeout", "http.lost", "http.too_large", "http.cancelled"]);

/** These happen only before a byte of the request is written. Undici names them on the cause of its TypeError. */
const NOTHING_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

/** These may also end a connection that already carried the request: only the call that failed tells. */
const NOTHING_SENT_BY_CONNECT = new Set(["EHOSTUNREACH", "ENETUNREACH"]);

/**
 * `fetch` with limits. Every HTTP status is an answer; only a missing answer throws a Failure of kind "unavailable":
 * `http.unreachable` nothing was sent, `http.timeout` and `http.lost` the outcome is unknown, `http.too_large` it was cut off,
 * `http.cancelled` the caller's own signal. A redirect is returned, not followed: no vendor API of ours uses one.
 */
export async function fetchWithin(url: string | URL, init: RequestInit & FetchLimits): Promise<HttpAnswer> {
  const { timeoutMs, responseBytesMax, ...request } = init;
  const timeUp = AbortSignal.timeout(timeoutMs);
  const signal = request.signal ? AbortSignal.any([timeUp, request.signal]) : timeUp;
  const name = `${request.method ?? "GET"} ${withoutQuery(url)}`;
  try {
    const response = await fetch(url, { redirect: "manual", ...request, signal });
    const body = await textWithin(response, responseBytesMax, name);
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (timeUp.aborted) throw unavailable("http.timeout", `${name} gave no answer within ${timeoutMs} ms.`, error);
    if (signal.aborted) throw unavailable("http.cancelled", `${name} was cancelled before its answer came.`, error);
    throw networkFailure(name, error);
  }
}

/** True when the request may have taken effect although no answer came: a send must then be settled, not repeated. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof Failure && OUTCOME_UNKNOWN.has(error.code);
}

async function textWithin(response: Response, bytesMax: number, name: string): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop by a throw cancels the stream, so the rest is never downloaded.
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > bytesMax) throw unavailable("http.too_large", `${name} answered more than ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, size));
}

function networkFailure(name: string, error: unknown): Failure {
  const { code, syscall } = systemErrorOf(error);
  if (code !== undefined && (NOTHING_SENT.has(code) || (NOTHING_SENT_BY_CONNECT.has(code) && syscall === "connect"))) {
    return unavailable("http.unreachable", `${name} could not be reached (${code}).`, error);
  }
  return unavailable(
    "http.lost",
    `${name} lost its connection before the answer came (${code ?? "no reason"}).`,
    error,
  );
}

function systemErrorOf(error: unknown): { code?: string; syscall?: string } {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    // Happy eyeballs: every address was tried, all of them failed. Its own code has no syscall.
    if (at instanceof AggregateError && at.errors.length > 0) return systemErrorOf(at.errors[0]);
    if ("code" in at && typeof at.code === "string") {
      return { code: at.code, ...("syscall" in at && typeof at.syscall === "string" && { syscall: at.syscall }) };
    }
  }
  return {};
}

function unavailable(code: string, message: string, cause?: unknown): Failure {
  return new Failure("unavailable", code, message, { cause, next: { retry: "later" } });
}

/** Queries may carry tokens; messages may reach a log. */
function withoutQuery(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
