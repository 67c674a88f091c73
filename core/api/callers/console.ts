import { createHash, timingSafeEqual } from "node:crypto";
import type { Request } from "express";
import { Failure } from "#core/kit/failure.ts";
import { consoleSessionOf } from "#core/usecases/console-sessions/console-sessions.ts";
import type { ApiDeps } from "../mount.ts";
import type { Caller } from "./caller.ts";

export const sessionCookie = "triveni_session";
const CSRF_HEADER = "x-triveni-csrf";
const READING = new Set(["GET", "HEAD"]);

/** Somebody with a console session; whatever changes something must also prove that our own page sent it. */
export async function consoleCaller(request: Request, deps: ApiDeps): Promise<Caller> {
  const token = sessionTokenOf(request);
  const visitor = token === undefined ? undefined : await consoleSessionOf(deps, token);
  if (token === undefined || visitor === undefined) {
    throw new Failure("unauthorized", "console.no_session", "There is no session. Open the sign-in link again.");
  }
  if (!READING.has(request.method) && !isSame(request.get(CSRF_HEADER), csrfOf(token))) {
    throw new Failure(
      "forbidden",
      "console.csrf",
      `The header ${CSRF_HEADER} does not fit the session. Reload the page.`,
    );
  }
  return { workspaceId: visitor.workspaceId, agent: `console:${visitor.agent}` };
}

/**
 * Whether a page of ours sent this. For requests that cannot know a session's token yet: with another one's link a foreign
 * page could sign somebody in under a false name. Every browser names the origin of a POST.
 */
export function isFromOwnPage(request: Request, publicUrl: string): boolean {
  const origin = request.get("origin");
  if (origin === undefined || !URL.canParse(origin)) return false;
  // The public address, or the one the browser really called: an operator may come by localhost or an inner name.
  return origin === new URL(publicUrl).origin || new URL(origin).host === request.get("host");
}

/** Told to our own page only; it cannot be computed without the cookie, which no page can read. */
export function csrfOf(sessionToken: string): string {
  return createHash("sha256").update(`csrf ${sessionToken}`).digest("base64url");
}

export function sessionTokenOf(request: Request): string | undefined {
  for (const pair of (request.get("cookie") ?? "").split(";")) {
    const [name, value] = pair.trim().split("=");
    if (name === sessionCookie && value && /^[\w-]{20,100}$/.test(value)) return value;
  }
  return undefined;
}

function isSame(given: string | undefined, expected: string): boolean {
  const [left, right] = [Buffer.from(given ?? ""), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
