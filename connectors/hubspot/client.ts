import { Failure } from "#core/kit/failure.ts";

export interface HubspotHttp {
  /** `https://api.hubapi.com`, or a simulator. */
  baseUrl: string;
  /** For one call, the reading of its answer included. Longer than the 10 s after which undici gives up connecting: what timed out here can not leave later. */
  timeoutMs: number;
}

export interface WireRequest {
  method: "GET" | "POST" | "PATCH";
  path: string;
  /** An object travels as JSON, URLSearchParams as a form. */
  body?: object;
  accessToken?: string;
}

export interface WireAnswer {
  status: number;
  headers: Headers;
  /** Parsed JSON; undefined when the body is empty or is none. */
  body: unknown;
}

const ANSWER_CHARS_MAX = 20_000_000;
const NOTHING_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * One HTTP exchange through the transport of `@hubspot/api-client`. Every status is an answer. A missing answer throws the
 * Failures of kit/http.ts (`http.timeout`, `http.lost`, `http.unreachable`), so `isOutcomeUnknown` knows them.
 */
export async function exchange(
  http: HubspotHttp,
  { method, path, body, accessToken }: WireRequest,
): Promise<WireAnswer> {
  // Loaded on first use: 80 ms and 20 MB that a business without HubSpot never pays.
  const { Client } = await import("@hubspot/api-client");
  // A client for each call holds the token of its own install only; retries and pacing are ours (README).
  const client = new Client({ basePath: http.baseUrl, numberOfApiCallRetries: 0, ...(accessToken && { accessToken }) });
  const name = `${method} ${path.split("?")[0]}`;
  const form = body instanceof URLSearchParams;
  const answer = client.apiRequest({
    method,
    path,
    ...(body && { body: form ? body.toString() : body }),
    ...(form && { defaultJson: false, headers: { "Content-Type": "application/x-www-form-urlencoded" } }),
  });
  return withinTime(http.timeoutMs, name, answer.then(readAnswer)).catch((error) => {
    throw error instanceof Failure ? error : lost(name, error);
  });
}

async function readAnswer(response: Response): Promise<WireAnswer> {
  const text = await response.text();
  if (text.length > ANSWER_CHARS_MAX) throw unavailable("http.too_large", "HubSpot answered far more than a page.");
  return { status: response.status, headers: response.headers, body: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    // A proxy's HTML page: the status says enough.
    return undefined;
  }
}

/** The transport takes no AbortSignal, so what is late is left alone; its socket ends with undici's own limits. */
async function withinTime<T>(timeoutMs: number, name: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(unavailable("http.timeout", `HubSpot gave no answer to ${name} within ${timeoutMs} ms.`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

function lost(name: string, error: unknown): Failure {
  const code = codeOf(error);
  if (code !== undefined && NOTHING_SENT.has(code))
    return unavailable("http.unreachable", `HubSpot could not be reached for ${name} (${code}).`, error);
  return unavailable("http.lost", `HubSpot's answer to ${name} was lost on the way (${code ?? "no reason"}).`, error);
}

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
  }
  return undefined;
}

function unavailable(code: string, message: string, cause?: unknown): Failure {
  return new Failure("unavailable", code, message, { cause, next: { retry: "later" } });
}
