import { randomBytes } from "node:crypto";
import { type Answer, errorOf } from "./answers.ts";
import type { Portal } from "./portal.ts";

const LIFE_S = 1_800;

export interface SimulatedApp {
  clientId: string;
  clientSecret: string;
}

export function token(app: SimulatedApp, portals: Iterable<Portal>, form: URLSearchParams): Answer {
  if (form.get("client_id") !== app.clientId || form.get("client_secret") !== app.clientSecret) {
    return {
      status: 400,
      body: {
        error: "invalid_client",
        error_description: "client id or secret is wrong",
        status: "BAD_CLIENT_ID",
        message: "wrong client",
      },
    };
  }
  const portal = [...portals].find(({ refreshToken }) => refreshToken === form.get("refresh_token"));
  if (form.get("grant_type") !== "refresh_token" || !portal || portal.isUninstalled) {
    return {
      status: 400,
      body: {
        error: "invalid_grant",
        error_description: "missing or invalid refresh token",
        status: "BAD_REFRESH_TOKEN",
        message: "missing or invalid refresh token",
      },
    };
  }
  const accessToken = `access-${portal.hubId}-${randomBytes(6).toString("hex")}`;
  portal.accessTokens.add(accessToken);
  const body = {
    token_type: "bearer",
    access_token: accessToken,
    refresh_token: portal.refreshToken,
    expires_in: LIFE_S,
    hub_id: portal.hubId,
    scopes: ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"],
  };
  return { status: 200, body };
}

export function introspect(portals: Iterable<Portal>, form: URLSearchParams): Answer {
  const held = form.get("token") ?? "";
  const portal = [...portals].find((one) => one.accessTokens.has(held) || one.refreshToken === held);
  if (!portal || portal.isUninstalled) return { status: 200, body: { active: false } };
  return {
    status: 200,
    body: { active: true, hub_id: portal.hubId, user_id: 1, app_id: 1, scopes: ["oauth"], expires_in: LIFE_S },
  };
}

export function portalOf(portals: Iterable<Portal>, authorization: string | undefined): Portal | Answer {
  const held = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  const portal = held && [...portals].find((one) => one.accessTokens.has(held) && !one.isUninstalled);
  return portal || errorOf(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
}
