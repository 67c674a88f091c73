import type { Request } from "express";
import { Failure } from "#core/kit/failure.ts";
import { findInstall } from "#core/usecases/installs/find-install.ts";
import type { ApiDeps } from "../mount.ts";
import type { Caller } from "./caller.ts";
import { type SignatureVerdict, verifyHubSpotV3 } from "./hubspot-signature.ts";

const reasons: Readonly<Record<Exclude<SignatureVerdict, "valid">, string>> = {
  unsigned: "The request carries no HubSpot signature v3.",
  stale: "The request was signed more than 5 minutes ago. Reload the page; if it stays so, check the server's clock.",
  wrong:
    "The HubSpot signature does not fit. Check HUBSPOT_CLIENT_SECRET, and that PUBLIC_URL is the address HubSpot calls.",
};

/** True for a request that claims to come from HubSpot: it is then judged as such, and by no cookie. */
export function isFromHubSpot(request: Request): boolean {
  return request.get("x-hubspot-signature-v3") !== undefined;
}

/** A HubSpot card: portal and user come from the signed query, and from nowhere else. */
export async function hubspotCaller(request: Request, body: Uint8Array, deps: ApiDeps): Promise<Caller> {
  const signed = {
    method: request.method,
    uri: deps.publicUrl + request.originalUrl,
    body,
    timestamp: request.get("x-hubspot-request-timestamp"),
    signature: request.get("x-hubspot-signature-v3"),
  };
  const verdict = verifyHubSpotV3(signed, deps.hubspot?.clientSecrets ?? [], deps.clock.now());
  if (verdict !== "valid") throw new Failure("unauthorized", `hubspot.signature_${verdict}`, reasons[verdict]);

  const query = new URL(signed.uri).searchParams;
  const hubspotPortalId = only(query, "portalId");
  const userId = only(query, "userId");
  const install = await findInstall(deps.app, "hubspot", hubspotPortalId);
  if (install === undefined) {
    const message = `HubSpot account ${hubspotPortalId} is not connected to Triveni. Connect it first.`;
    throw new Failure("forbidden", "hubspot.not_connected", message);
  }
  const { workspaceId, installId } = install;
  return { workspaceId, agent: `hubspot:${userId}`, install: { crm: "hubspot", installId } };
}

/** HubSpot appends each once. A second one would be the card's, and could name another portal. */
function only(query: URLSearchParams, name: string): string {
  const [value, ...others] = query.getAll(name);
  if (value !== undefined && /^\d{1,20}$/.test(value) && others.length === 0) return value;
  throw new Failure("unauthorized", "hubspot.query", `The signed query must name ${name} exactly once, as a number.`);
}
