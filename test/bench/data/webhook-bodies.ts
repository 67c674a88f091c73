import { numberOf, type Person } from "./people.ts";

/** A customer's text message. */
export interface TextMessage {
  kind: "text";
  person: Person;
  wamid: string;
  sentAt: Date;
  text: string;
}

/** A tick of one of our messages. */
export interface StatusReport {
  kind: "status";
  person: Person;
  wamid: string;
  status: "sent" | "delivered" | "read";
  occurredAt: Date;
}

export type Change = TextMessage | StatusReport;

/** The bytes of one webhook with one change, as Meta prints them (whatsapp.md 4.2 and 4.5). */
export function bodyOf(change: Change): string {
  const { person } = change;
  const { wabaId, displayPhone, phoneNumberId } = numberOf(person.workspace);
  const value = {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: displayPhone, phone_number_id: phoneNumberId },
    contacts: [{ profile: { name: person.name }, wa_id: person.phone, user_id: person.bsuid }],
    ...(change.kind === "text" ? { messages: [textOf(change)] } : { statuses: [statusOf(change)] }),
  };
  const body = {
    object: "whatsapp_business_account",
    entry: [{ id: wabaId, changes: [{ value, field: "messages" }] }],
  };
  // Meta escapes everything beyond ASCII, and the slash.
  return JSON.stringify(body)
    .replaceAll("/", "\\/")
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function textOf({ person, wamid, sentAt, text }: TextMessage): object {
  return {
    from: person.phone,
    from_user_id: person.bsuid,
    id: wamid,
    timestamp: secondsOf(sentAt),
    type: "text",
    text: { body: text },
  };
}

function statusOf({ person, wamid, status, occurredAt }: StatusReport): object {
  return {
    id: wamid,
    status,
    timestamp: secondsOf(occurredAt),
    recipient_id: person.phone,
    recipient_user_id: person.bsuid,
    // Meta prints the price with "sent" and with one of the other two.
    ...(status !== "read" && {
      pricing: { billable: true, pricing_model: "PMP", type: "regular", category: "utility" },
    }),
  };
}

function secondsOf(at: Date): string {
  return String(Math.floor(at.getTime() / 1000));
}

const IN_PREFIX = "FQIAEhgU";
const OUT_PREFIX = "FQIAERgS";

/** Sixty characters in the form of Meta's: the phone, the way, and what tells messages apart. */
export function wamidOf(way: "in" | "out", phone: string, serial: number): string {
  const unique = `3A${serial.toString(16).toUpperCase().padStart(16, "0")}`;
  const text = Buffer.from(unique).toString("base64");
  return `wamid.HBgM${Buffer.from(phone).toString("base64")}${way === "in" ? IN_PREFIX : OUT_PREFIX}${text}AA==`;
}

const WORDS =
  "hello please send the order invoice tomorrow delivery address curtains cotton price stock evening shop thank you sir madam when will it arrive can we change colour blue green namaste payment done receipt".split(
    " ",
  );

/** Something to read, of about `length` characters. */
export function wordsOf(random: () => number, length: number): string {
  let text = "";
  while (text.length < length) text += `${WORDS[Math.floor(random() * WORDS.length)]} `;
  return text.trimEnd();
}
