import type { Customer, SimulatedNumber } from "./world.ts";

export interface StatusShape {
  wamid: string;
  status: string;
  atMs: number;
  to: Customer;
  opaque: unknown;
  pricing?: Record<string, unknown>;
  errors?: unknown[];
}

/** The value of a `messages` change that carries one status, as Meta prints it since April 2026. */
export function statusValue(number: SimulatedNumber, shape: StatusShape): Record<string, unknown> {
  const { to, pricing, errors, opaque } = shape;
  return {
    ...envelope(number),
    ...(shape.status !== "failed" && { contacts: [contact(to)] }),
    statuses: [
      {
        id: shape.wamid,
        status: shape.status,
        timestamp: seconds(shape.atMs),
        ...(to.phone && { recipient_id: to.phone }),
        ...(to.bsuid && { recipient_user_id: to.bsuid }),
        ...(typeof opaque === "string" && { biz_opaque_callback_data: opaque }),
        ...(pricing && { pricing }),
        ...(errors && { errors }),
      },
    ],
  };
}

/** The value of a live inbound message; `message` is its type object, `{ type: "text", text: { body } }`. */
export function inboundValue(
  number: SimulatedNumber,
  from: Customer,
  wamid: string,
  message: Record<string, unknown>,
  atMs: number,
): Record<string, unknown> {
  return {
    ...envelope(number),
    contacts: [contact(from)],
    messages: [
      {
        ...(from.phone && { from: from.phone }),
        ...(from.bsuid && { from_user_id: from.bsuid }),
        id: wamid,
        timestamp: seconds(atMs),
        ...message,
      },
    ],
  };
}

function envelope({ displayPhone, phoneNumberId }: SimulatedNumber) {
  return {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: displayPhone, phone_number_id: phoneNumberId },
  };
}

function contact({ name, phone, bsuid }: Customer) {
  return { ...(name && { profile: { name } }), ...(phone && { wa_id: phone }), ...(bsuid && { user_id: bsuid }) };
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}
