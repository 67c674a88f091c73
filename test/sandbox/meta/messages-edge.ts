import { z } from "zod";
import type { Orders } from "./behaviour.ts";
import { newWamid, type SentCall, type SimulatedNumber, type World } from "./world.ts";

const WINDOW_MS = 24 * 3_600_000;

const Body = z
  .object({
    messaging_product: z.literal("whatsapp"),
    recipient_type: z.enum(["individual", "group"]).optional(),
    to: z.string().optional(),
    recipient: z.string().optional(),
    type: z.literal("text"),
    text: z.object({ body: z.string().min(1).max(4096) }),
    context: z.object({ message_id: z.string() }).optional(),
    biz_opaque_callback_data: z.string().max(512).optional(),
  })
  .refine(({ to, recipient }) => to !== undefined || recipient !== undefined);

export interface EdgeAnswer {
  status: number;
  body: Record<string, unknown>;
  /** The message was taken: its statuses follow, failed when there was no window. */
  taken?: { wamid: string; recipient: string; hasWindow: boolean; opaque: string | undefined };
}

/** POST /{version}/{phoneNumberId}/messages. Twice the same body is two messages: Meta de-duplicates nothing. */
export function sendMessage(
  world: World,
  orders: Orders,
  number: SimulatedNumber | undefined,
  call: SentCall,
  token: string | undefined,
): EdgeAnswer {
  if (number === undefined || number.token !== token) {
    return number === undefined
      ? refused(100, "Unsupported post request. Object does not exist", 400)
      : refused(190, "Invalid OAuth access token", 401);
  }
  const ordered = orders.takeRefusal();
  if (ordered) return refused(ordered.code, "ordered by the test", ordered.httpStatus);
  if (number.throughput.isFull(call.at)) return refused(130429, "Cloud API message throughput has been reached.", 429);

  const parsed = Body.safeParse(call.body);
  if (!parsed.success) return refused(131009, z.prettifyError(parsed.error), 400);
  const recipient = recipientOf(number, parsed.data.to, parsed.data.recipient);
  if (!world.pairs.take(`${number.phoneNumberId} ${recipient}`, call.at)) {
    return refused(131056, "too many messages sent to the same phone number in a short period of time", 400);
  }
  number.throughput.note(call.at);
  return taken(number, recipient, parsed.data, call);
}

function taken(number: SimulatedNumber, recipient: string, body: z.infer<typeof Body>, call: SentCall): EdgeAnswer {
  const wamid = newWamid();
  const lastInboundAt = number.lastInboundAt.get(recipient) ?? Number.NEGATIVE_INFINITY;
  const contact = body.to === undefined ? { user_id: recipient } : { wa_id: recipient };
  return {
    status: 200,
    body: {
      messaging_product: "whatsapp",
      contacts: [{ input: body.to ?? body.recipient, ...contact }],
      messages: [{ id: wamid }],
    },
    taken: { wamid, recipient, hasWindow: call.at - lastInboundAt < WINDOW_MS, opaque: body.biz_opaque_callback_data },
  };
}

/** Without "+" Meta prepends the business number's own country code. */
function recipientOf(number: SimulatedNumber, to: string | undefined, bsuid: string | undefined): string {
  if (to === undefined) return bsuid ?? "";
  return to.startsWith("+") ? to.slice(1) : number.displayPhone.slice(0, 2) + to;
}

export function refused(code: number, details: string, status: number): EdgeAnswer {
  const error_data = { messaging_product: "whatsapp", details };
  const error = { message: `(#${code}) ${details}`, type: "OAuthException", code, error_data, fbtrace_id: "Asandbox" };
  return { status, body: { error } };
}
