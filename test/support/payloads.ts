/** Webhook bodies in Meta's shape, for tests that make their own; the fixtures hold the rarer shapes. */
export const phoneNumberId = "106540352242922";

interface Who {
  phone?: string;
  bsuid?: string;
  name?: string;
}

export function delivery(
  field: string,
  value: Record<string, unknown>,
  number = phoneNumberId,
): Record<string, unknown> {
  const metadata = { display_phone_number: "919900011223", phone_number_id: number };
  return {
    object: "whatsapp_business_account",
    entry: [{ id: "waba", changes: [{ field, value: { messaging_product: "whatsapp", metadata, ...value } }] }],
  };
}

function contacts({ phone, bsuid, name }: Who): unknown[] {
  return [{ ...(name && { profile: { name } }), ...(phone && { wa_id: phone }), ...(bsuid && { user_id: bsuid }) }];
}

function sender({ phone, bsuid }: Who): Record<string, string> {
  return { ...(phone && { from: phone }), ...(bsuid && { from_user_id: bsuid }) };
}

export function inbound(who: Who, wamid: string, at: number, message: Record<string, unknown>, number?: string) {
  const item = { ...sender(who), id: wamid, timestamp: String(at), ...message };
  // Payloads from before April 2026 name the sender in the message only.
  return delivery("messages", { ...(who.bsuid && { contacts: contacts(who) }), messages: [item] }, number);
}

export function textFrom(who: Who, wamid: string, at: number, body: string, number?: string) {
  return inbound(who, wamid, at, { type: "text", text: { body } }, number);
}

export function statusOf(wamid: string, status: string, at: number, extra: Record<string, unknown> = {}, who?: Who) {
  const ids = { ...(who?.phone && { recipient_id: who.phone }), ...(who?.bsuid && { recipient_user_id: who.bsuid }) };
  const item = { id: wamid, status, timestamp: String(at), ...ids, ...extra };
  return delivery("messages", { ...(who && { contacts: contacts(who) }), statuses: [item] });
}

export const price = { pricing: { billable: true, pricing_model: "PMP", type: "regular", category: "utility" } };

export function echoTo(who: Who, wamid: string, at: number, message: Record<string, unknown>) {
  const to = { ...(who.phone && { to: who.phone }), ...(who.bsuid && { to_user_id: who.bsuid }) };
  return delivery("smb_message_echoes", {
    ...(who.bsuid && { contacts: contacts(who) }),
    message_echoes: [{ from: "919900011223", ...to, id: wamid, timestamp: String(at), ...message }],
  });
}

export function historyOf(
  threadId: string,
  messages: Record<string, unknown>[],
  chunk = { phase: 0, chunk_order: 1, progress: 50 },
) {
  return delivery("history", { history: [{ metadata: chunk, threads: [{ id: threadId, messages }] }] });
}
