import { createHmac } from "node:crypto";

export interface HubSpotAsk {
  /** Where the server listens; HubSpot signs `publicUrl`. */
  url: string;
  publicUrl?: string;
  secret: string;
  portalId: string;
  userId?: string;
}

export interface Answered {
  status: number;
  body: unknown;
}

/** Asks as a HubSpot card does through `hubspot.fetch`: portal and user in the query, signature v3 over address and bytes. */
export async function askAsHubSpot(
  { url, publicUrl = url, secret, portalId, userId = "142" }: HubSpotAsk,
  path: string,
  json?: unknown,
  timestamp = Date.now(),
): Promise<Answered> {
  const query = new URLSearchParams({ userId, portalId, userEmail: "rep@example.com", appId: "77" });
  const address = `${path}${path.includes("?") ? "&" : "?"}${query}`;
  const body = json === undefined ? "" : JSON.stringify(json);
  const method = json === undefined ? "GET" : "POST";
  // HubSpot signs the query decoded in part (hubspot.md 3).
  const signedUri = `${publicUrl}${address.replaceAll("%40", "@").replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
  const signature = createHmac("sha256", secret)
    .update(method + signedUri + body + timestamp)
    .digest("base64");
  const response = await fetch(url + address, {
    method,
    headers: {
      "x-hubspot-signature-v3": signature,
      "x-hubspot-request-timestamp": String(timestamp),
      ...(json !== undefined && { "content-type": "application/json" }),
    },
    ...(json !== undefined && { body }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}
