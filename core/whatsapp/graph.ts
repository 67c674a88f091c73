import { z } from "zod";
import { Failure, type FailureKind } from "#core/kit/failure.ts";
import { fetchWithin, type HttpAnswer, isOutcomeUnknown } from "#core/kit/http.ts";
import { mayHaveActed, meaningOf } from "./errors.ts";

export interface Graph {
  /** `https://graph.facebook.com`, or the sandbox. */
  baseUrl: string;
  /** `v25.0`. */
  version: string;
}

/**
 * "unknown": the request left us and no answer of Graph says whether Meta acted on it. It is a value, because
 * the caller has to settle it; it is never tried again here.
 */
export type GraphOutcome<Value> = { outcome: "answered"; value: Value } | { outcome: "unknown"; because: string };

export interface GraphCall<Value> {
  method: "GET" | "POST" | "DELETE";
  /** Below the version: `527114900418233/messages`. */
  path: string;
  token: string;
  body?: unknown;
  answer: z.ZodType<Value>;
}

/** What Graph said; it hangs on the Failure as its cause. */
export interface GraphError {
  code: number;
  subcode?: number;
  details: string;
  traceId?: string;
}

/** For the whole exchange. */
export const GRAPH_CALL_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 1_000_000;

const ErrorBody = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().catch(""),
    error_subcode: z.number().optional().catch(undefined),
    error_data: z
      .object({ details: z.string().optional().catch(undefined) })
      .optional()
      .catch(undefined),
    fbtrace_id: z.string().optional().catch(undefined),
  }),
});

/**
 * The one place that calls Graph. Throws a Failure when Graph refused (its code, `next` and cause come from the table
 * of errors) and when nothing was sent (`http.unreachable`); everything else that is no answer, trouble on Meta's side
 * included, is `unknown`.
 */
export async function callGraph<Value>(graph: Graph, call: GraphCall<Value>): Promise<GraphOutcome<Value>> {
  let answer: HttpAnswer;
  try {
    answer = await fetchWithin(`${graph.baseUrl}/${graph.version}/${call.path}`, {
      method: call.method,
      headers: {
        authorization: `Bearer ${call.token}`,
        ...(call.body !== undefined && { "content-type": "application/json" }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      timeoutMs: GRAPH_CALL_MS_MAX,
      responseBytesMax: ANSWER_BYTES_MAX,
    });
  } catch (error) {
    if (isOutcomeUnknown(error)) return { outcome: "unknown", because: (error as Failure).code };
    throw error;
  }
  return read(answer, call);
}

/** The error that Graph gave as the reason of a Failure. */
export function graphErrorOf(error: unknown): GraphError | undefined {
  if (!(error instanceof Failure) || !error.code.startsWith("whatsapp.")) return undefined;
  // Only refusal() below makes such a Failure, always with this cause.
  return error.cause as GraphError | undefined;
}

function read<Value>(answer: HttpAnswer, call: GraphCall<Value>): GraphOutcome<Value> {
  const json = parsed(answer.body);
  const refused = ErrorBody.safeParse(json);
  if (refused.success) {
    const { error } = refused.data;
    if (mayHaveActed(error.code, answer.status)) return { outcome: "unknown", because: `graph.${error.code}` };
    throw refusal(call, error);
  }

  // A proxy's page, a cut body, an answer of another shape: Meta may have taken the request.
  if (answer.status < 200 || answer.status > 299) return { outcome: "unknown", because: `http.${answer.status}` };
  const value = call.answer.safeParse(json);
  return value.success ? { outcome: "answered", value: value.data } : { outcome: "unknown", because: "answer.shape" };
}

function refusal(call: GraphCall<unknown>, error: z.infer<typeof ErrorBody>["error"]): Failure {
  const meaning = meaningOf(error.code);
  const details = error.error_data?.details ?? error.message;
  const cause: GraphError = {
    code: error.code,
    details,
    ...(error.error_subcode !== undefined && { subcode: error.error_subcode }),
    ...(error.fbtrace_id !== undefined && { traceId: error.fbtrace_id }),
  };
  const message = `Meta refused ${call.method} ${call.path} (${error.code}, trace ${error.fbtrace_id ?? "none"}).`;
  return new Failure(kindOf(meaning.next.retry, meaning.name), meaning.name, message, { cause, next: meaning.next });
}

function kindOf(retry: string, name: string): FailureKind {
  if (name === "whatsapp.token_invalid" || name === "whatsapp.permission_missing") return "forbidden";
  return retry === "never" ? "invalid" : "throttled";
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
