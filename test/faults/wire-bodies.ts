import type { CastNumber, CastWorkspace, Customer } from "./cast.ts";

/** Webhook changes in Meta's shape (whatsapp.md 1.8, 4.2, 4.5). */
export interface WireChange {
  wabaId: string;
  field: string;
  value: Record<string, unknown>;
}

/** The parties of one conversation. */
export interface Thread {
  workspace: CastWorkspace;
  number: CastNumber;
  customer: Customer;
}

export interface WirePricing {
  type: string;
  category: string;
}

export function inbound(thread: Thread, message: Record<string, unknown>): WireChange {
  const { phone, bsuid } = thread.customer;
  return change(thread, "messages", { messages: [{ from: phone, from_user_id: bsuid, ...message }] });
}

export function echo(thread: Thread, message: Record<string, unknown>): WireChange {
  const { phone, bsuid } = thread.customer;
  const from = thread.number.displayPhone;
  return change(thread, "smb_message_echoes", {
    message_echoes: [{ from, to: phone, to_user_id: bsuid, ...message }],
  });
}

export function status(
  thread: Thread,
  report: {
    wamid: string;
    status: string;
    at: number;
    pricing: WirePricing | undefined;
    errorCode: number | undefined;
  },
): WireChange {
  const { phone, bsuid } = thread.customer;
  const { pricing, errorCode } = report;
  return change(thread, "messages", {
    statuses: [
      {
        id: report.wamid,
        status: report.status,
        timestamp: String(report.at),
        recipient_id: phone,
        recipient_user_id: bsuid,
        ...(pricing && { pricing: { billable: true, pricing_model: "PMP", ...pricing } }),
        ...(errorCode !== undefined && { errors: [{ code: errorCode, title: "Message undeliverable" }] }),
      },
    ],
  });
}

export function unknownField(thread: Thread, marker: string): WireChange {
  return { wabaId: thread.workspace.wabaId, field: "field_of_the_future", value: { ...metadata(thread), marker } };
}

/** One POST: changes of one WABA stand in one entry. */
export function postOf(changes: readonly WireChange[]): Buffer {
  const byWaba = Map.groupBy(changes, ({ wabaId }) => wabaId);
  const entry = [...byWaba].map(([id, own]) => ({ id, changes: own.map(({ field, value }) => ({ value, field })) }));
  return Buffer.from(JSON.stringify({ object: "whatsapp_business_account", entry }));
}

function change(thread: Thread, field: string, lists: Record<string, unknown>): WireChange {
  const { phone, bsuid, name } = thread.customer;
  const contacts = [{ profile: { name }, wa_id: phone, user_id: bsuid }];
  return { wabaId: thread.workspace.wabaId, field, value: { ...metadata(thread), contacts, ...lists } };
}

function metadata({ number }: Thread): Record<string, unknown> {
  const { displayPhone, phoneNumberId } = number;
  return {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: displayPhone, phone_number_id: phoneNumberId },
  };
}
