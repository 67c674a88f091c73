import { z } from "zod";
import { Failure, type FailureKind, type NextTry } from "#core/kit/failure.ts";
import { isOutcomeUnknown as isAnswerMissing } from "#core/kit/http.ts";
import { parseRetryAfter } from "#core/kit/retry.ts";
import type { WireAnswer } from "./client.ts";

/** Loose about what HubSpot adds; the parts we use may be missing too, so that an odd error is still an error. */
const Context = z.record(z.string(), z.array(z.string()).catch([])).catch({});
const Detail = z.looseObject({
  code: z.string().optional(),
  context: Context.optional(),
  subCategory: z.string().optional(),
});
const ErrorBody = z.looseObject({
  category: z.string().optional(),
  subCategory: z.unknown().optional(),
  message: z.string().catch(""),
  policyName: z.string().optional(),
  correlationId: z.string().optional(),
  context: Context.optional(),
  errors: z.array(Detail).catch([]),
});

/** What an error body says, without its `message`: HubSpot repeats rejected values there, and they may be phone numbers. */
export interface Problem {
  codes: string[];
  properties: string[];
  isRequiredPropertyMissing: boolean;
  isRecordMissing: boolean;
  isTaken: boolean;
  policyName?: string;
  correlationId?: string;
}

export function problemOf(body: unknown): Problem {
  const error: z.infer<typeof ErrorBody> = ErrorBody.safeParse(body).data ?? { message: "", errors: [] };
  const texts = [
    error.category,
    error.subCategory,
    ...error.errors.flatMap(({ code, subCategory }) => [code, subCategory]),
  ];
  const codes = [
    ...new Set(texts.filter((text) => typeof text === "string" && /^[\w.]{1,80}$/.test(text))),
  ] as string[];
  const contexts = [error.context, ...error.errors.map(({ context }) => context)];
  const named = contexts.flatMap((context) => [
    ...(context?.["properties"] ?? []),
    ...(context?.["propertyName"] ?? []),
  ]);
  const isAbout = (pattern: RegExp) => codes.some((code) => pattern.test(code)) || pattern.test(error.message);
  return {
    codes,
    properties: [...new Set(named.filter((name) => /^\w{1,100}$/.test(name)))],
    isRequiredPropertyMissing: isAbout(/MISSING_(CONDITIONAL_)?REQUIRED_PROPERTY|required properties were not set/),
    isRecordMissing: isAbout(/OBJECT_NOT_FOUND|INVALID_OBJECT_ID|NOT_FOUND/),
    isTaken: isAbout(/CONFLICTING_UNIQUE_VALUE|already has that value/),
    ...(error.policyName && { policyName: error.policyName }),
    ...(error.correlationId && { correlationId: error.correlationId }),
  };
}

/** True when HubSpot may have acted: no answer came, or one that says nothing about the work. */
export function isOutcomeUnknown(error: unknown): boolean {
  return isAnswerMissing(error) || (error instanceof Failure && error.code === "hubspot.server_error");
}

interface Rule {
  kind: FailureKind;
  code: `hubspot.${string}`;
  says: string;
  next: NextTry;
}

const TEN_SECONDS = 10_000;
const HOUR = 3_600_000;

/** What an HTTP error of HubSpot means and when to try again (hubspot.md 5). */
function ruleOf(status: number, { policyName }: Problem, retryAfterMs: number | undefined): Rule {
  const after = (afterMs: number, scope?: "install"): NextTry => ({
    retry: "after",
    afterMs: retryAfterMs ?? afterMs,
    ...(scope && { scope }),
  });
  switch (status) {
    case 401:
      return {
        kind: "unauthorized",
        code: "hubspot.unauthorized",
        says: "does not accept our token",
        next: after(60_000, "install"),
      };
    case 403:
      return {
        kind: "forbidden",
        code: "hubspot.forbidden",
        says: "refuses for want of a permission: connect HubSpot again",
        next: after(HOUR, "install"),
      };
    case 404:
      return {
        kind: "missing",
        code: "hubspot.missing",
        says: "does not know what was asked for",
        next: { retry: "never" },
      };
    case 409:
      return {
        kind: "conflict",
        code: "hubspot.conflict",
        says: "has a conflicting value already",
        next: { retry: "never" },
      };
    case 423:
      return {
        kind: "unavailable",
        code: "hubspot.locked",
        says: "has locked the record for a moment",
        next: after(2_000),
      };
    case 429:
      return {
        kind: "throttled",
        code: "hubspot.throttled",
        says: `has had too many calls (${policyName ?? "no policy named"})`,
        next: after(pauseOf(policyName), "install"),
      };
    case 477:
      return {
        kind: "unavailable",
        code: "hubspot.migrating",
        says: "is moving the account to another data centre",
        next: after(60_000, "install"),
      };
    default:
      if (status >= 500)
        return { kind: "unavailable", code: "hubspot.server_error", says: "failed", next: { retry: "later" } };
      return {
        kind: "invalid",
        code: "hubspot.invalid",
        says: "does not accept the request",
        next: { retry: "never" },
      };
  }
}

function pauseOf(policyName: string | undefined): number {
  if (policyName === "DAILY") return HOUR;
  return policyName === "SECONDLY" ? 1_000 : TEN_SECONDS;
}

/** `request` is method and path: no query, no body. */
export function failureOf(answer: WireAnswer, request: string, installId: string, now: Date): Failure {
  const problem = problemOf(answer.body);
  const retryAfterMs = parseRetryAfter(answer.headers.get("retry-after"), now);
  const { kind, code, says, next } = ruleOf(answer.status, problem, retryAfterMs);
  const about = [...problem.codes, problem.correlationId && `correlation ${problem.correlationId}`]
    .filter(Boolean)
    .join(", ");
  const wait = next.afterMs === undefined ? "" : ` Next try in ${Math.ceil(next.afterMs / 1000)} s.`;
  const message = `HubSpot answered ${answer.status} to ${request} for install ${installId}: it ${says}${about && ` (${about})`}.${wait}`;
  return new Failure(kind, code, message, { next });
}
