import express, { type Request, type Response } from "express";
import { z } from "zod";
import { Failure } from "#core/kit/failure.ts";
import type { Caller } from "./callers/caller.ts";
import { consoleCaller } from "./callers/console.ts";
import { hubspotCaller, isFromHubSpot } from "./callers/hubspot.ts";
import type { ApiDeps } from "./mount.ts";

const BODY_MAX = "64kb";

/** Bodies stay bytes until the caller is proven: HubSpot signs them as they came. */
export const rawBody = express.raw({ type: () => true, limit: BODY_MAX, inflate: false });

/** Proves who is asking, before any route. */
export async function identify(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const caller = isFromHubSpot(request)
    ? await hubspotCaller(request, bytesOf(request), deps)
    : await consoleCaller(request, deps);
  response.locals["caller"] = caller;
}

/** Only after `identify`. */
export function callerOf(response: Response): Caller {
  return response.locals["caller"];
}

/** What a request says, by its schema; a mistake is the caller's. What we answer is parsed without this: that would be ours. */
export function readAs<Value>(schema: z.ZodType<Value>, given: unknown): Value {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Failure("invalid", "request.invalid", z.prettifyError(parsed.error), { cause: parsed.error });
}

/** The body as JSON, for a route to check against its schema. */
export function jsonOf(request: Request): unknown {
  try {
    return JSON.parse(Buffer.from(bytesOf(request)).toString("utf8"));
  } catch (cause) {
    throw new Failure("invalid", "request.not_json", "The body is not JSON.", { cause });
  }
}

function bytesOf(request: Request): Uint8Array {
  return Buffer.isBuffer(request.body) ? request.body : new Uint8Array();
}
