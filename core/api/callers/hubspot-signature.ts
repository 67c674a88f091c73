import { createHmac, timingSafeEqual } from "node:crypto";

export interface SignedRequest {
  method: string;
  /** As HubSpot called it: configured public base plus the path and query as they came. */
  uri: string;
  /** The bytes as they came; empty for GET. */
  body: Uint8Array;
  /** X-HubSpot-Request-Timestamp, milliseconds. */
  timestamp: string | undefined;
  /** X-HubSpot-Signature-v3. */
  signature: string | undefined;
}

export type SignatureVerdict = "valid" | "unsigned" | "stale" | "wrong";

const AGE_MS_MAX = 300_000;
const DIGEST_BYTES = 32;

/** HubSpot decodes exactly these in the query before it signs, and nothing else (hubspot.md 3). */
const decoded: Readonly<Record<string, string>> = {
  "%3A": ":",
  "%2F": "/",
  "%3F": "?",
  "%40": "@",
  "%21": "!",
  "%24": "$",
  "%27": "'",
  "%28": "(",
  "%29": ")",
  "%2A": "*",
  "%2C": ",",
  "%3B": ";",
};

/**
 * HubSpot's signature v3 over method, URI, raw body and time. The URI is accepted as it came or with HubSpot's decoding:
 * both are covered by the secret. Without a secret everything is refused. `secrets`: two during a rotation.
 */
export function verifyHubSpotV3(request: SignedRequest, secrets: readonly string[], now: Date): SignatureVerdict {
  const { method, uri, body, timestamp, signature } = request;
  if (!timestamp || !signature) return "unsigned";
  if (!/^\d{1,16}$/.test(timestamp)) return "wrong";
  if (Math.abs(now.getTime() - Number(timestamp)) > AGE_MS_MAX) return "stale";

  const claimed = Buffer.from(signature, "base64");
  if (claimed.length !== DIGEST_BYTES) return "wrong";
  let matches = false;
  for (const secret of secrets) {
    // An empty secret would make a signature that anybody can compute.
    if (secret === "") return "wrong";
    for (const form of [uri, decodeQuery(uri)]) {
      const digest = createHmac("sha256", secret)
        .update(method + form)
        .update(body)
        .update(timestamp)
        .digest();
      matches = timingSafeEqual(digest, claimed) || matches;
    }
  }
  return matches ? "valid" : "wrong";
}

/** The query as HubSpot signs it; path and everything else stay as they are. */
export function decodeQuery(uri: string): string {
  const at = uri.indexOf("?");
  if (at < 0) return uri;
  return uri.slice(0, at) + uri.slice(at).replace(/%[0-9A-Fa-f]{2}/g, (code) => decoded[code.toUpperCase()] ?? code);
}
