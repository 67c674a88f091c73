import type { Fact } from "#core/domain/fact.ts";
import { isAccountField, readAccount, readHistoryRefusal, readValueError, wabaOf } from "./account-webhooks.ts";
import { readEcho, readHistory, readHistoryMedia, readStateSync } from "./coexistence.ts";
import type { Change } from "./delivery.ts";
import { readInbound } from "./inbound.ts";
import { readPreference, readUserIdUpdate } from "./people-webhooks.ts";
import { readStatus } from "./statuses.ts";
import { id, list, object, type Wire } from "./wire.ts";

/** Fields that we subscribe to or may be sent, store by name, and have no use for yet. */
const keptByName: Readonly<Record<string, string>> = {
  security: "security events are kept for the audit",
  payment_configuration_update: "payments are not used",
  message_echoes: "echoes of other API partners are not used",
  calls: "calling is not for coexistence numbers",
  consumer_profile: "consumer profiles are not used",
  messaging_handovers: "handovers are not used",
  account_settings_update: "account settings are not used",
  group_lifecycle_update: "groups are not for coexistence numbers",
  group_participants_update: "groups are not for coexistence numbers",
  group_settings_update: "groups are not for coexistence numbers",
  group_status_update: "groups are not for coexistence numbers",
  flows: "flow health is not used",
  automatic_events: "conversion events are not used",
  tracking_events: "conversion events are not used",
  partner_solutions: "partner solutions are not used",
};

/** Where a change belongs: the number it names, else the WABA. History is worked after what is live. */
export interface Address {
  kind: "live" | "history";
  phoneNumberId: string | undefined;
  wabaId: string | undefined;
  /** Digits of the number when only its printed form is known. */
  displayPhone: string | undefined;
}

export function addressOf(change: Change): Address {
  const phoneNumberId = id(object(change.value["metadata"])["phone_number_id"]);
  const printed = id(change.value["display_phone_number"]) ?? id(change.value["phone_number"]);
  return {
    kind: change.field === "history" ? "history" : "live",
    phoneNumberId,
    wabaId: wabaOf(change),
    displayPhone: printed?.replace(/\D/g, "") || undefined,
  };
}

/**
 * Everything one change tells us, in Meta's order. But for the fields kept by name, which list a value holds decides
 * what it is; the field only says whether messages are history. Never drops anything: what nobody reads becomes a `kept` fact with its reason.
 */
export function readChange(change: Change, receivedAt: Date): Fact[] {
  const { field, value } = change;
  if (isAccountField(field)) return readAccount(change, receivedAt);
  const known = Object.hasOwn(keptByName, field) ? keptByName[field] : undefined;
  // By name first: the echoes of other partners have the shape of the phone's, and are something else.
  const facts = known === undefined ? readLists(change, receivedAt) : [];
  if (facts.length > 0) return facts;
  return [{ kind: "kept", field: field || "(none)", reason: known ?? "unknown field or shape", payload: value }];
}

function readLists(change: Change, receivedAt: Date): Fact[] {
  const { field, value } = change;
  const number = id(object(value["metadata"])["phone_number_id"]) ?? "unknown";
  const isHistory = field === "history";
  const each = (key: string, read: (item: Wire) => Fact[]): Fact[] => list(value[key]).map(object).flatMap(read);
  return [
    ...each("messages", (it) =>
      isHistory ? readHistoryMedia(value, it, false, receivedAt) : readInbound(value, it, receivedAt),
    ),
    ...each("message_echoes", (it) =>
      isHistory ? readHistoryMedia(value, it, true, receivedAt) : readEcho(value, it, receivedAt),
    ),
    ...each("statuses", (it) => readStatus(value, it, receivedAt)),
    ...each("history", (it) => [
      ...readHistory(value, it, receivedAt),
      ...list(it["errors"]).map((error) => readHistoryRefusal(object(error), number, receivedAt)),
    ]),
    ...each("state_sync", (it) => readStateSync(it, receivedAt)),
    ...each("user_id_update", (it) => readUserIdUpdate(value, it, receivedAt)),
    ...each("user_preferences", (it) => readPreference(value, it, receivedAt)),
    ...each("errors", (it) => [readValueError(it, number, receivedAt)]),
  ];
}
