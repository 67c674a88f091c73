import { z } from "zod";
import type { ConnectorContext, Tokens } from "#core/crm/context.ts";
import { Failure } from "#core/kit/failure.ts";
import { exchange, type HubspotHttp, type WireAnswer } from "./client.ts";

export interface HubspotApp {
  clientId: string;
  clientSecret: string;
}

const TOKEN_PATH = "/oauth/2026-09/token";

/** Of a life of 30 min the last fifth is not used: a 401 counts against the app's certification. */
const RENEW_BEFORE_MS = 6 * 60_000;

const TokenAnswer = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
});

/** What HubSpot says when the customer has removed us or the account is gone; any other 4xx is our own configuration. */
const DISCONNECTED = new Set(["invalid_grant", "access_denied", "BAD_REFRESH_TOKEN", "BAD_HUB"]);

/** An access token that is good for the next minutes. `rejected` is one that HubSpot has just refused. */
export async function accessToken(
  http: HubspotHttp,
  app: HubspotApp,
  context: ConnectorContext,
  rejected?: string,
): Promise<string> {
  const tokens = await context.tokens.read();
  const isFresh = tokens.expiresAt.getTime() - context.clock.now().getTime() > RENEW_BEFORE_MS;
  if (isFresh && tokens.accessToken !== rejected) return tokens.accessToken;
  const renewed = await context.tokens.renew(tokens, (current) => refresh(http, app, context, current));
  return renewed.accessToken;
}

async function refresh(
  http: HubspotHttp,
  { clientId, clientSecret }: HubspotApp,
  context: ConnectorContext,
  current: Tokens,
): Promise<Tokens> {
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: clientId,
    client_secret: clientSecret,
    refresh_token: current.refreshToken,
  });
  const askedAt = context.clock.now().getTime();
  const answer = await exchange(http, { method: "POST", path: TOKEN_PATH, body });
  if (answer.status !== 200) throw refreshRefused(answer, context);

  const parsed = TokenAnswer.safeParse(answer.body);
  if (!parsed.success) throw misconfigured(context, answer.status, "an answer without tokens");
  context.log.info("token renewed");
  return {
    accessToken: parsed.data.access_token,
    // Observed unchanged, but HubSpot may rotate it at any time.
    refreshToken: parsed.data.refresh_token ?? current.refreshToken,
    expiresAt: new Date(askedAt + parsed.data.expires_in * 1000),
  };
}

function refreshRefused(answer: WireAnswer, context: ConnectorContext): Failure {
  const body = z
    .looseObject({ error: z.unknown().optional(), status: z.unknown().optional() })
    .safeParse(answer.body).data;
  const named = [body?.error, body?.status].find((word) => typeof word === "string" && DISCONNECTED.has(word));
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 429 && named !== undefined) {
    const message = `HubSpot account ${context.crmAccountId} no longer accepts our connection (${named}): install ${context.installId} waits until it is connected again.`;
    return new Failure("unauthorized", "crm.disconnected", message, { next: { retry: "never", scope: "install" } });
  }
  if (answer.status === 429 || answer.status >= 500) {
    const message = `HubSpot answered ${answer.status} to a token refresh for install ${context.installId}. Next try in 30 s.`;
    return new Failure("unavailable", "hubspot.oauth_unavailable", message, {
      next: { retry: "after", afterMs: 30_000, scope: "install" },
    });
  }
  return misconfigured(context, answer.status, "a refusal that is not about the customer");
}

function misconfigured({ installId }: ConnectorContext, status: number, what: string): Failure {
  const message = `HubSpot answered ${status} to a token refresh for install ${installId}: ${what}. Check HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET.`;
  return new Failure("unavailable", "hubspot.oauth_configuration", message, {
    next: { retry: "after", afterMs: 300_000, scope: "install" },
  });
}
