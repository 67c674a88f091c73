import { Failure } from "#core/kit/failure.ts";
import { nextDelayMs } from "#core/kit/retry.ts";
import type { SendRefusal, SendRow } from "#core/store/sends.ts";
import { meaningOf, wasCertainlyNotTaken } from "#core/whatsapp/errors.ts";
import { type GraphError, graphErrorOf } from "#core/whatsapp/graph.ts";
import { type OutgoingText, sendText } from "#core/whatsapp/send-message.ts";
import type { OpenedNumber, SenderContext } from "./sender-context.ts";

/** What Meta's answer means for a send. "unknown" changes nothing: the send stays claimed until its status settles it. */
export type SendAnswer =
  | { outcome: "accepted"; wamid: string }
  | { outcome: "refused"; refusal: SendRefusal }
  | { outcome: "not-taken"; nextTryMs: number; isThroughput: boolean }
  | { outcome: "unknown"; because: string };

const TRIES_MAX = 8;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 120_000;
const PAIR_LIMIT = 131056;
const THROUGHPUT = 130429;

/** Calls Meta once for a claimed send. Never throws for anything Meta may do. */
export async function callMeta(context: SenderContext, number: OpenedNumber, send: SendRow): Promise<SendAnswer> {
  try {
    const answer = await sendText(context.graph, number, outgoing(send));
    if (answer.outcome === "unknown") return { outcome: "unknown", because: answer.because };
    return { outcome: "accepted", wamid: answer.value.wamid };
  } catch (error) {
    if (error instanceof Failure && error.code === "http.unreachable") return later(context, send, undefined);
    const refused = graphErrorOf(error);
    if (refused === undefined) throw error;
    return wasCertainlyNotTaken(refused.code)
      ? later(context, send, refused)
      : { outcome: "refused", refusal: told(refused) };
  }
}

function outgoing(send: SendRow): OutgoingText {
  const { id: sendId, recipientPhone: phone, recipientBsuid: bsuid, quotedWamid } = send;
  return {
    sendId,
    recipient: phone === undefined ? { bsuid: bsuid ?? "" } : { phone },
    text: send.body ?? "",
    ...(quotedWamid !== undefined && { quotedWamid }),
  };
}

function later({ random }: SenderContext, { attempts }: SendRow, error: GraphError | undefined): SendAnswer {
  // The row was read before its claim counted this try.
  const attempt = attempts + 1;
  if (attempt >= TRIES_MAX) return { outcome: "refused", refusal: error ? told(error) : { code: "meta_trouble" } };
  const nextTryMs =
    error?.code === PAIR_LIMIT
      ? Math.min(RETRY_MAX_MS, 1000 * 4 ** attempt)
      : nextDelayMs({ attempt, baseMs: RETRY_BASE_MS, maxMs: RETRY_MAX_MS, random });
  return { outcome: "not-taken", nextTryMs, isThroughput: error?.code === THROUGHPUT };
}

function told({ code, details }: GraphError): SendRefusal {
  return { code: meaningOf(code).words, metaCode: code, detail: details };
}
