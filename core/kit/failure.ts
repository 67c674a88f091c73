export type FailureKind =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "missing"
  | "conflict"
  | "throttled"
  | "unavailable";

export type RetryScope = "message" | "person" | "template" | "number" | "workspace" | "install";

/** What may be tried again, when, and how much of our work has to wait with it. */
export interface NextTry {
  retry: "never" | "later" | "after";
  afterMs?: number;
  scope?: RetryScope;
}

export interface FailureDetails {
  cause?: unknown;
  next?: NextTry;
}

/**
 * A broken promise, thrown. Expected refusals are values in a return type instead.
 * The kind fixes the HTTP status; the code is public and never renamed; the message says what happened,
 * with which value, and what to do next. It may reach a log or a person: put no secret into it.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;
  readonly code: string;
  // Declared only: a field would be there, undefined, in every failure that says nothing about retrying.
  declare readonly next?: NextTry;

  constructor(kind: FailureKind, code: string, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = code;
    if (details.next !== undefined) this.next = details.next;
  }
}

const HTTP_STATUS: Record<FailureKind, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  throttled: 429,
  unavailable: 503,
};

export function httpStatusOf(kind: FailureKind): number {
  return HTTP_STATUS[kind];
}
