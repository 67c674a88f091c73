import { z } from "zod";
import { callGraph, GRAPH_CALL_MS_MAX, type Graph, type GraphOutcome } from "./graph.ts";

/** A free-form text to one person. The phone wins over the BSUID: it keeps phones flowing in Meta's webhooks. */
export interface OutgoingText {
  sendId: string;
  recipient: { phone: string } | { bsuid: string };
  text: string;
  quotedWamid?: string;
}

export interface SentMessage {
  wamid: string;
  /** How Meta names the person we wrote to; either may be missing. */
  waId?: string;
  bsuid?: string;
}

/** Longer than this no send is under way. */
export const SEND_MS_MAX = GRAPH_CALL_MS_MAX;

const OPAQUE_PREFIX = "tv1:";

const Answer = z
  .object({
    contacts: z
      .array(z.object({ wa_id: z.string().optional(), user_id: z.string().optional() }))
      .optional()
      .catch(undefined),
    messages: z.array(z.object({ id: z.string().min(1) })).min(1),
  })
  .transform(({ contacts, messages }): SentMessage => {
    const contact = contacts?.[0];
    return {
      wamid: messages[0]?.id ?? "",
      ...(contact?.wa_id && { waId: contact.wa_id }),
      ...(contact?.user_id && { bsuid: contact.user_id }),
    };
  });

/** Calls Meta once. There is no idempotency key: the caller has claimed the send before, and settles an unknown outcome. */
export function sendText(
  graph: Graph,
  from: { phoneNumberId: string; token: string },
  message: OutgoingText,
): Promise<GraphOutcome<SentMessage>> {
  return callGraph(graph, {
    method: "POST",
    path: `${encodeURIComponent(from.phoneNumberId)}/messages`,
    token: from.token,
    body: textBody(message),
    answer: Answer,
  });
}

export function textBody({ sendId, recipient, text, quotedWamid }: OutgoingText) {
  return {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    // Without "+" Meta prepends the business number's own country code.
    ...("phone" in recipient ? { to: `+${recipient.phone}` } : { recipient: recipient.bsuid }),
    type: "text",
    text: { body: text },
    ...(quotedWamid !== undefined && { context: { message_id: quotedWamid } }),
    biz_opaque_callback_data: opaqueOf(sendId),
  };
}

/** What travels to Meta and comes back in every status of the message. */
export function opaqueOf(sendId: string): string {
  return OPAQUE_PREFIX + sendId;
}
