import { fetchWithin } from "#core/kit/http.ts";

export interface HubspotHttp {
  /** `https://api.hubapi.com`, or a simulator. */
  baseUrl: string;
  /** For one call, the reading of its answer included; then the call is aborted, so that it cannot leave later. */
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

/** A page of 500 associations or a batch of 100 bodies of 65,000 characters is smaller. */
const ANSWER_BYTES_MAX = 20_000_000;

/**
 * One HTTP exchange: `@hubspot/api-client` makes the request, kit/http.ts carries it within its limits. Every status is an
 * answer. A missing answer throws the Failures of kit/http.ts, so `isOutcomeUnknown` knows them.
 */
export async function exchange(
  http: HubspotHttp,
  { method, path, body, accessToken }: WireRequest,
): Promise<WireAnswer> {
  // Loaded on first use. Its own sender takes no AbortSignal and reads any answer whole: README.
  const { Request } = await import("@hubspot/api-client/lib/src/services/http/Request.js");
  const form = body instanceof URLSearchParams;
  const request = new Request(
    { basePath: http.baseUrl, ...(accessToken && { accessToken }) },
    {
      method,
      path,
      ...(body && { body: form ? body.toString() : body }),
      ...(form && { defaultJson: false, headers: { "Content-Type": "application/x-www-form-urlencoded" } }),
    },
  );
  const limits = { timeoutMs: http.timeoutMs, responseBytesMax: ANSWER_BYTES_MAX };
  const answer = await fetchWithin(request.getUrl(), { ...request.getSendData(), ...limits });
  return { status: answer.status, headers: answer.headers, body: parseJson(answer.body) };
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    // A proxy's HTML page: the status says enough.
    return undefined;
  }
}
