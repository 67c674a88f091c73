import { Failure, type NextTry } from "#core/kit/failure.ts";
import { nextDelayMs } from "#core/kit/retry.ts";
import type { SendRefusal, SendRow } from "#core/store/sends.ts";
import { meaningOf, wasCertainlyNotTaken } from "#core/whatsapp/errors.ts";
import { type GraphError, graphErrorOf } from "#core/whatsapp/graph.ts";
import { type OutgoingText, sendText } from "#core/whatsapp/send-message.ts";
import type { OpenedNumber, SenderContext } from "./sender-context.ts";

/** What Meta's answer means for a send. "unknown": it stays claimed until its status settles it. */
export type SendAnswer =
  | { outcome: "accepted"; wamid: string }
  | { outcome: "refused"; refusal: SendRefusal }
  | { outcome: "not-taken"; nextTryMs: number; holdsUpNumber: boolean }
  | { outcome: "unknown"; because: string };

const TRIES_MAX = 8;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 120_000;
const PAIR_LIMIT = 131056;

/** Calls Meta once for a claimed send. Never throws for anything Meta may do. */
export async function callMeta(context: SenderContext, number: OpenedNumber, send: SendRow): Promise<SendAnswer> {
  try {
    const answer = await sendText(context.graph, number, outgoing(send));
    if (answer.outcome === "unknown") return { outcome: "unknown", because: answer.because };
    return { outcome: "accepted", wamid: answer.value.wamid };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const refused = graphErrorOf(error);
    if (refused === undefined && error.code !== "http.unreachable") throw error;
    return refused === undefined || wasCertainlyNotTaken(refused.code)
      ? later(context, send, { refused, next: error.next })
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

function later(
  { random }: SenderContext,
  { attempts }: SendRow,
  { refused, next }: { refused: GraphError | undefined; next: NextTry | undefined },
): SendAnswer {
  // The row was read before its claim counted this try.
  const attempt = attempts + 1;
  if (attempt >= TRIES_MAX) return { outcome: "refused", refusal: refused ? told(refused) : { code: "meta_trouble" } };
  const nextTryMs =
    refused?.code === PAIR_LIMIT
      ? Math.min(RETRY_MAX_MS, 1000 * 4 ** attempt)
      : nextDelayMs({ attempt, baseMs: RETRY_BASE_MS, maxMs: RETRY_MAX_MS, retryAfterMs: next?.afterMs, random });
  // What is wider than a number is met, and waited for, by each number for itself.
  return { outcome: "not-taken", nextTryMs, holdsUpNumber: next?.scope === "number" || next?.scope === "workspace" };
}

function told({ code, details }: GraphError): SendRefusal {
  return { code: meaningOf(code).words, metaCode: code, detail: details };
}
