/** What replay has to know of a webhook body to prepare for it. Read on its own, not by the code under test. */
export interface WebhookBody {
  /** Changes over all entries; one when the body cannot be read. */
  changes: number;
  wabas: string[];
  numbers: { phoneNumberId: string; displayPhone: string; wabaId: string; isCoexistence: boolean }[];
}

type Json = Record<string, unknown>;

/** Webhooks that only a number in coexistence gets. */
const coexistenceFields = ["history", "smb_app_state_sync", "smb_message_echoes"];

export function readWebhookBody(bytes: Uint8Array): WebhookBody {
  const body: WebhookBody = { changes: 0, wabas: [], numbers: [] };
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return { ...body, changes: 1 };
  }
  for (const entry of objects(object(payload)["entry"]))
    for (const change of objects(entry["changes"])) {
      body.changes += 1;
      const value = object(change["value"]);
      const wabaId = text(object(value["waba_info"])["waba_id"]) ?? text(entry["id"]);
      if (wabaId === undefined) continue;
      body.wabas.push(wabaId);
      const metadata = object(value["metadata"]);
      const phoneNumberId = text(metadata["phone_number_id"]);
      if (phoneNumberId === undefined) continue;
      const displayPhone = (text(metadata["display_phone_number"]) ?? "").replace(/\D/g, "");
      const isCoexistence = coexistenceFields.includes(String(change["field"]));
      body.numbers.push({ phoneNumberId, displayPhone, wabaId, isCoexistence });
    }
  return body;
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
