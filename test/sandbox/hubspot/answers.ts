import { randomUUID } from "node:crypto";
import type { StoredObject } from "./portal.ts";

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export function objectOf({ id, properties, createdAt, updatedAt }: StoredObject, names?: readonly string[]) {
  const asked = names && Object.fromEntries(names.map((name) => [name, properties[name] ?? null]));
  return { id, properties: asked ?? properties, createdAt, updatedAt, archived: false };
}

export function batchOf(results: unknown[], errors: unknown[] = [], status = 200): Answer {
  const at = new Date().toISOString();
  const body = { status: "COMPLETE", results, startedAt: at, completedAt: at };
  return errors.length === 0 ? { status, body } : { status: 207, body: { ...body, numErrors: errors.length, errors } };
}

export function errorOf(status: number, category: string, message: string, more: object = {}): Answer {
  return { status, body: { status: "error", message, correlationId: randomUUID(), category, ...more } };
}

/** One failed input inside a batch. The document wants `subCategory` inside `errors`; the live API also puts it beside them. */
export function batchError(category: string, message: string, context: Record<string, string[]>, subCategory?: string) {
  const errors = subCategory ? [{ message, subCategory }] : [];
  return { status: "error", category, message, context, errors, links: {} };
}

export function tooMany(policyName: "TEN_SECONDLY_ROLLING" | "SECONDLY" | "DAILY"): Answer {
  const name = { TEN_SECONDLY_ROLLING: "ten_secondly_rolling", SECONDLY: "secondly", DAILY: "daily" }[policyName];
  return {
    status: 429,
    body: {
      status: "error",
      message: `You have reached your ${name} limit.`,
      errorType: "RATE_LIMIT",
      correlationId: randomUUID(),
      policyName,
    },
  };
}
