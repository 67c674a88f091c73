import type { Fact, PreferenceFact, StatusFact } from "#core/domain/fact.ts";
import { namingWith } from "./naming.ts";
import { given, id, integer, list, moment, object, text, type Wire } from "./wire.ts";

/** `value.statuses[]` (whatsapp.md 4.5). Status webhooks carry `contacts[]` too: that does not make them inbound. */
export function readStatus(value: Wire, status: Wire, receivedAt: Date): Fact[] {
  const wamid = id(status["id"]);
  const name = id(status["status"]);
  if (wamid === undefined || name === undefined)
    return [{ kind: "kept", field: "messages", reason: "status without an id or a name", payload: status }];
  const errors = list(status["errors"]).map(object).map(readError);
  const fact: StatusFact = {
    kind: "status",
    wamid,
    status: name,
    occurredAt: moment(status["timestamp"], receivedAt),
    recipient: namingWith(
      value["contacts"],
      [status["recipient_user_id"], status["recipient_id"]],
      [status["recipient_parent_user_id"]],
    ),
    ...given({
      participant: id(status["recipient_participant_user_id"]) ?? id(status["recipient_participant_id"]),
      opaque: text(status["biz_opaque_callback_data"]),
      pricing: readPricing(object(status["pricing"])),
      errors: errors.length > 0 ? errors : undefined,
    }),
  };
  return [fact, ...stopSaidByStatus(fact)];
}

function readPricing(pricing: Wire): StatusFact["pricing"] | undefined {
  const read = given<NonNullable<StatusFact["pricing"]>>({
    type: text(pricing["type"]),
    category: text(pricing["category"])?.replace("authentication_international", "authentication-international"),
    model: text(pricing["pricing_model"]),
    billable: typeof pricing["billable"] === "boolean" ? pricing["billable"] : undefined,
  });
  return Object.keys(read).length > 0 ? read : undefined;
}

export function readError(error: Wire): { code?: number; title?: string; details?: string } {
  return given({
    code: integer(error["code"]),
    title: text(error["title"]) ?? text(error["message"]),
    details: text(object(error["error_data"])["details"]),
  });
}

const userStoppedMarketing = 131050;

/** Meta refuses marketing to somebody who stopped it: that is a withdrawal we had not heard of (compliance.md W6). */
function stopSaidByStatus({ errors, recipient, occurredAt, wamid }: StatusFact): PreferenceFact[] {
  if (!errors?.some((error) => error.code === userStoppedMarketing)) return [];
  if (recipient.bsuid === undefined && recipient.phone === undefined) return [];
  const evidence = { code: userStoppedMarketing, wamid };
  return [
    {
      kind: "preference",
      person: recipient,
      purpose: "marketing",
      state: "withdrawn",
      source: "meta-131050",
      at: occurredAt,
      evidence,
    },
  ];
}
