import type { IncomingMessage } from "node:http";
import { verifyHubSignature } from "#core/kit/signature.ts";

/** Why a webhook is not Meta's, in a word that is counted and answered. */
export type MetaRefusal = "unsigned" | "wrong-signature" | "no-secret";

/**
 * Proves that these exact bytes come from Meta: HMAC-SHA256 with the app secret (two during a rotation). Fails closed:
 * no header or no secret is a refusal (whatsapp.md 4.1).
 */
export function refuseUnlessMeta(
  request: IncomingMessage,
  bytes: Uint8Array,
  appSecrets: readonly string[],
): MetaRefusal | undefined {
  const header = request.headers["x-hub-signature-256"];
  if (appSecrets.length === 0 || appSecrets.includes("")) return "no-secret";
  if (typeof header !== "string" || header === "") return "unsigned";
  return verifyHubSignature(header, bytes, appSecrets) ? undefined : "wrong-signature";
}
